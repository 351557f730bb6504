//! A trial: one case with the peers that take part, its name, and the function that runs it.
//!
//! The name is a path, so that a filter can select a suite, the trials of a peer, or a case.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::evidence::Report;

/// Where the expected outcome of a trial comes from.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum BaselineKind {
    /// A table in `scenarios` states it.
    Stated,
    /// The reference does it in the same run.
    Live,
    /// The reference did it when the goldens were recorded.
    Golden,
}

/// The name of a trial: `suite/server/client/case` for two peers, and `suite/peer/case` for a peer that is
/// compared with a baseline. The reference is compared with two baselines, so its names are
/// `suite/peer/baseline/case`. With a proxy between the peers, the suite is `SUITE-via-PROXY`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrialName {
    pub(crate) suite: &'static str,
    /// The proxy between client and server, if there is one.
    pub(crate) via: Option<String>,
    /// The peer that is the server; `None` if the tool is the server.
    pub(crate) server: Option<String>,
    /// The peer that is the client; `None` if the tool is the client.
    pub(crate) client: Option<String>,
    pub(crate) baseline: BaselineKind,
    /// The peer that is the reference, in a comparison with a reference.
    pub(crate) reference: Option<String>,
    /// The method, in a comparison of a service: `suite/peer/method/case`.
    pub(crate) method: Option<String>,
    pub(crate) case: String,
}

impl TrialName {
    /// The name of a trial of two peers whose expected outcome a table states.
    pub(crate) fn stated(suite: &'static str, server: &str, client: &str, case: String) -> Self {
        let (server, client) = (Some(server.to_owned()), Some(client.to_owned()));
        Self {
            suite,
            via: None,
            server,
            client,
            baseline: BaselineKind::Stated,
            reference: None,
            method: None,
            case,
        }
    }

    /// The first part of the name: the suite, and the proxy if there is one.
    pub(crate) fn first_part(&self) -> String {
        let via = self.via.as_ref().map(|proxy| format!("-via-{proxy}")).unwrap_or_default();
        format!("{}{via}", self.suite)
    }

    /// The name of the same trial without a proxy.
    pub(crate) fn without_proxy(&self) -> String {
        Self { via: None, ..self.clone() }.to_string()
    }

    /// The name without the case: the common prefix of all trials of the same peers.
    pub(crate) fn group(&self) -> String {
        let mut group = self.first_part();
        for peer in self.server.iter().chain(&self.client) {
            group = format!("{group}/{peer}");
            if self.reference.as_ref() == Some(peer) {
                group = format!("{group}/{}", self.baseline);
            }
        }
        if let Some(method) = &self.method {
            group = format!("{group}/{method}");
        }
        group
    }

    /// All peers that the trial needs.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &str> {
        let reference = self.reference.iter().filter(|_| self.baseline == BaselineKind::Live);
        self.server.iter().chain(&self.client).chain(reference).map(String::as_str)
    }
}

impl fmt::Display for TrialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group(), self.case)
    }
}

/// The users of port 50051, in the order of their turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PortUser {
    /// The server programs of the suite `programs`, one at a time.
    Programs,
    /// The scripted server that the client programs of `client-parity` connect to.
    ClientPrograms,
    /// The reference of `server-parity`.
    ReferenceServer,
}

impl PortUser {
    /// The number of users.
    pub(crate) const COUNT: usize = 3;

    /// Whether its trials run at the same time.
    pub(crate) fn shares_its_turn(self) -> bool {
        self != Self::Programs
    }
}

/// A trial that has not run yet. It holds references to its peers: dropping the last trial of a peer ends the
/// peer.
pub(crate) struct Trial {
    pub(crate) name: TrialName,
    /// Whether it mostly waits, so that many such trials can run at once.
    pub(crate) waits: bool,
    /// Whether its server was started by the user (`--attach`).
    pub(crate) is_attached: bool,
    /// Whether its server has a port of its own, which is kept because the server restarts.
    pub(crate) keeps_port: bool,
    /// The turn at port 50051 in which it runs, if it needs the port.
    pub(crate) port_user: Option<PortUser>,
    /// Runs it. Another call runs it again.
    pub(crate) run: Box<dyn FnMut() -> Report + Send>,
}

impl Trial {
    /// A trial that does not mostly wait, does not need port 50051, and whose server the tool starts.
    pub(crate) fn new(name: TrialName, run: impl FnMut() -> Report + Send + 'static) -> Self {
        Self {
            name,
            waits: false,
            is_attached: false,
            keeps_port: false,
            port_user: None,
            run: Box::new(run),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(peer: &str, baseline: BaselineKind) -> TrialName {
        TrialName {
            suite: "server-parity",
            via: None,
            server: Some(peer.to_owned()),
            client: None,
            baseline,
            reference: Some("python".to_owned()),
            method: None,
            case: "root-of-2".to_owned(),
        }
    }

    #[test]
    fn only_the_reference_has_the_baseline_in_its_names() {
        let names = [
            compared("rust", BaselineKind::Live).to_string(),
            compared("rust", BaselineKind::Golden).to_string(),
            compared("python", BaselineKind::Live).to_string(),
            compared("python", BaselineKind::Golden).to_string(),
            TrialName::stated("calls", "python", "rust", "tls/root".to_owned()).to_string(),
        ];
        let expected = [
            "server-parity/rust/root-of-2",
            "server-parity/rust/root-of-2",
            "server-parity/python/live/root-of-2",
            "server-parity/python/golden/root-of-2",
            "calls/python/rust/tls/root",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_proxy_is_a_part_of_the_name() {
        let direct = TrialName::stated("calls", "python", "rust", "gzip/root".to_owned());
        let via = TrialName { via: Some("nginx".to_owned()), ..direct.clone() };
        assert_eq!(via.to_string(), "calls-via-nginx/python/rust/gzip/root");
        assert_eq!(via.without_proxy(), direct.to_string());
    }

    #[test]
    fn the_reference_is_needed_only_if_it_runs() {
        let live = compared("rust", BaselineKind::Live);
        assert_eq!(live.peers().collect::<Vec<_>>(), ["rust", "python"]);
        let golden = compared("rust", BaselineKind::Golden);
        assert_eq!(golden.peers().collect::<Vec<_>>(), ["rust"]);
    }
}
