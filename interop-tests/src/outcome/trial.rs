//! A trial: one case with the peers that take part, its name and how it is run.
//!
//! The name is a path, so that a filter can pick a suite, the trials of a peer or a case.

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
    /// A table states it.
    Stated,
    /// It is what the reference does in the same run.
    Live,
    /// It is what the reference did when the goldens were recorded.
    Golden,
}

/// `suite/server/client/case` where two peers meet, and `suite/peer/case` where a peer is compared with
/// a baseline. The reference is compared with more than one; its names are `suite/peer/baseline/case`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrialName {
    pub(crate) suite: &'static str,
    /// The peer that is the server, unless the server is a script.
    pub(crate) server: Option<String>,
    /// The peer that is the client, unless the client is a script.
    pub(crate) client: Option<String>,
    pub(crate) baseline: BaselineKind,
    /// The peer that is the reference, where peers are compared with one.
    pub(crate) reference: Option<String>,
    pub(crate) case: String,
}

impl TrialName {
    /// The name of a trial in which two peers meet and a table states what is expected.
    pub(crate) fn stated(suite: &'static str, server: &str, client: &str, case: String) -> Self {
        Self {
            suite,
            server: Some(server.to_owned()),
            client: Some(client.to_owned()),
            baseline: BaselineKind::Stated,
            reference: None,
            case,
        }
    }

    /// What the names of all trials of the same peers begin with: the name without the case.
    pub(crate) fn group(&self) -> String {
        let mut group = self.suite.to_owned();
        for peer in self.server.iter().chain(&self.client) {
            group = format!("{group}/{peer}");
            if self.reference.as_ref() == Some(peer) {
                group = format!("{group}/{}", self.baseline);
            }
        }
        group
    }

    /// All peers without which the trial cannot be run.
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

/// Who needs port 50051, in the order of their turns.
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
    /// How many there are.
    pub(crate) const COUNT: usize = 3;

    /// Whether its trials run side by side.
    pub(crate) fn shares_its_turn(self) -> bool {
        self != Self::Programs
    }
}

/// A case that is still to be run; dropping it lets go of the peers that only it still needed.
pub(crate) struct Trial {
    pub(crate) name: TrialName,
    /// Whether it mostly waits, so that many such fit side by side.
    pub(crate) waits: bool,
    /// Whether the user has started its server.
    pub(crate) is_attached: bool,
    /// Whose turn at port 50051 it is part of.
    pub(crate) port_user: Option<PortUser>,
    pub(crate) run: Box<dyn FnOnce() -> Report + Send>,
}

impl Trial {
    /// A trial that is not known to wait, and whose server is started.
    pub(crate) fn new(name: TrialName, run: impl FnOnce() -> Report + Send + 'static) -> Self {
        Self { name, waits: false, is_attached: false, port_user: None, run: Box::new(run) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(peer: &str, baseline: BaselineKind) -> TrialName {
        TrialName {
            suite: "server-parity",
            server: Some(peer.to_owned()),
            client: None,
            baseline,
            reference: Some("python".to_owned()),
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
    fn the_reference_takes_part_where_it_is_live() {
        let live = compared("rust", BaselineKind::Live);
        assert_eq!(live.peers().collect::<Vec<_>>(), ["rust", "python"]);
        let golden = compared("rust", BaselineKind::Golden);
        assert_eq!(golden.peers().collect::<Vec<_>>(), ["rust"]);
    }
}
