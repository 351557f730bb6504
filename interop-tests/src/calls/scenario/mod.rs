//! The scenarios of the suite `calls`, read from tables.
//!
//! The expected outcome is what grpcio does, because clients of the Python server rely on it. It is stated once, for
//! all languages.
//!
//! - [`step`]: calls that are made at once, or an action on the server
//! - [`call`]: one call

pub(crate) mod call;
pub(crate) mod step;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::calls::expectation::{Expectation, wire::Wire};
use crate::calls::methods::Methods;
use crate::calls::scenario::{call::Call, step::ServerAction, step::Step};
use crate::config::source::{self, check_name};
use crate::config::{
    Capability, ConfigError, ServerNeeds, Source, Target, Transport, Variant, Vary,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The default transports and compressions of the scenarios in the file.
    #[serde(default)]
    vary: Vary,
    /// Whether all scenarios of the file are essential.
    #[serde(default)]
    essential: bool,
    scenario: Vec<Scenario>,
}

/// One `[[scenario]]`: steps, or the calls of a single step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    name: Spanned<String>,
    /// What it tests, if the name does not explain it.
    pub(crate) about: Option<String>,
    #[serde(default)]
    pub(crate) vary: Vary,
    /// Whether it also runs with a server and a client of two languages that are both not in `peers.toml`.
    #[serde(default)]
    pub(crate) essential: bool,
    call: Option<Call>,
    expect: Option<Expectation>,
    #[serde(default)]
    calls: Vec<Call>,
    /// The steps in order.
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
    /// How the server is started, if that differs from the default.
    pub(crate) server: Option<ServerNeeds>,
    /// The expected frames between client and server.
    pub(crate) wire: Option<Wire>,
}

/// Reads all `*.toml` files in `directory`, sorted by name. Their calls may be of these `methods`.
pub(crate) fn read_all(directory: &Path, methods: &Methods) -> anyhow::Result<Vec<Scenario>> {
    read(source::open_all(directory)?, methods)
}

fn read(
    sources: impl IntoIterator<Item = Result<Source, ConfigError>>,
    methods: &Methods,
) -> anyhow::Result<Vec<Scenario>> {
    let parse = |source: &Source| {
        let mut file: File = source.parse()?;
        for scenario in &mut file.scenario {
            scenario.vary = scenario.vary.or(&file.vary);
            scenario.essential |= file.essential;
            scenario.make_step();
            scenario.steps.iter_mut().for_each(|step| step.look_up(methods));
        }
        Ok(file.scenario)
    };
    source::read_cases("scenario", sources, parse, |scenario| (&scenario.name, scenario.check()))
}

impl Scenario {
    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The capabilities that a server needs for the scenario with this transport and compression.
    pub(crate) fn capabilities(&self, variant: Variant) -> BTreeSet<Capability> {
        let calls = self.steps.iter().flat_map(Step::calls);
        calls.flat_map(|(call, _)| call.capabilities(variant)).collect()
    }

    /// Whether it needs a server of its own, because it kills the server or measures its memory.
    pub(crate) fn needs_own_server(&self) -> bool {
        self.steps.iter().any(Step::needs_own_server)
    }

    /// Why it cannot run with a proxy between client and server, if it cannot.
    pub(crate) fn needs_direct_connection(&self, variant: Variant) -> Option<&'static str> {
        let is_elsewhere =
            |step: &Step| !step.calls().is_empty() && step.target() != Target::Server;
        let reasons = [
            (
                variant.transport.is_encrypted(),
                "TLS ends at the proxy, so the server's certificate and its ALPN are not tested",
            ),
            (variant.transport == Transport::Unix, "the proxy listens on a TCP port"),
            (
                self.needs_own_server(),
                "the case kills the server or measures its memory, and only it must cause what the client sees",
            ),
            (
                self.server.is_some(),
                "the case configures connections with the server, which a proxy opens and closes itself",
            ),
            (
                self.wire.as_ref().is_some_and(Wire::is_about_server_connections),
                "the proxy itself answers the client's PINGs and ends its connections",
            ),
            (self.steps.iter().any(is_elsewhere), "the calls go to a port without a server"),
        ];
        reasons.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason)
    }

    /// Whether it mostly waits, so that many such scenarios can run at once.
    pub(crate) fn waits(&self) -> bool {
        self.steps.iter().any(Step::waits)
    }

    /// Converts the calls of a scenario without steps to a step.
    fn make_step(&mut self) {
        let Self { call, expect, calls, steps, .. } = self;
        if steps.is_empty() && call.is_some() == expect.is_some() {
            let (call, expect, calls) = (call.take(), expect.take(), std::mem::take(calls));
            if call.is_some() || !calls.is_empty() {
                steps.push(Step { call, expect, calls, ..Step::default() });
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        check_name(self.name())?;
        let Self { call, expect, calls, steps, .. } = self;
        if steps.is_empty() || call.is_some() || expect.is_some() || !calls.is_empty() {
            let forms = "`call` and `expect`, `calls`, or `steps`, and only one of these";
            return Err(format!("a scenario needs {forms}"));
        }
        self.steps.iter().try_for_each(Step::check)?;
        let actions: Vec<_> = self.steps.iter().filter_map(|step| step.server).collect();
        if actions.chunks(2).any(|pair| {
            !matches!(pair, [ServerAction::Kill] | [ServerAction::Kill, ServerAction::Start])
        }) {
            return Err("`server` must alternate between `kill` and `start`".to_owned());
        }
        self.vary.check()?;
        let only = |is_right: fn(Transport) -> bool| {
            self.vary.variants().iter().all(|variant| is_right(variant.transport))
        };
        let has_tls = |step: &Step| step.leader().is_some_and(|call| call.tls.is_some());
        if self.steps.iter().any(has_tls) && !only(Transport::is_encrypted) {
            return Err("tls: vary.transport must contain only `tls` or `mtls`".to_owned());
        }
        if let Some(wire) = &self.wire {
            if !only(|transport| transport == Transport::Plain) {
                let message = "wire: vary.transport must contain only `plain`, because other transports \
                               hide the frames";
                return Err(message.to_owned());
            }
            wire.check()?;
        }
        self.server.as_ref().map_or(Ok(()), |server| server.check(only(Transport::is_encrypted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenarios(text: &str) -> Result<Vec<Scenario>, String> {
        let methods = Methods::with(None).map_err(|error| error.to_string())?;
        read([Ok(Source::new("calls.toml", text))], &methods).map_err(|error| error.to_string())
    }

    #[test]
    fn the_calls_of_a_scenario_are_a_step() {
        let text = "[[scenario]]\nname = \"a\"\ncall = { ask = 4 }\nexpect = { root = 2 }\n";
        let scenario = scenarios(text).unwrap().remove(0);
        assert_eq!(scenario.steps.len(), 1);
        assert_eq!(scenario.steps[0].calls().len(), 1);
        assert!(!scenario.waits() && !scenario.needs_own_server());
    }

    #[test]
    fn a_scenario_inherits_the_axes_that_it_does_not_name() {
        let text = "vary = { transport = [\"plain\", \"tls\"], compression = [\"gzip\"] }\n\
                    [[scenario]]\nname = \"a\"\ncall = { ask = 4 }\nexpect = { root = 2 }\n\
                    vary = { transport = [\"unix\"] }\n";
        let scenario = scenarios(text).unwrap().remove(0);
        let names: Vec<_> =
            scenario.vary.variants().iter().map(|variant| variant.name_of("a")).collect();
        assert_eq!(names, ["unix+gzip/a"]);
    }

    #[test]
    fn a_case_may_need_a_direct_connection() {
        let reason = |more: &str, transport| {
            let call = "call = { ask = 4 }\nexpect = { root = 2 }";
            let steps =
                if more.starts_with("steps") || more.starts_with("call") { "" } else { call };
            let text = format!("[[scenario]]\nname = \"a\"\n{steps}\n{more}\n");
            let scenario = scenarios(&text).unwrap().remove(0);
            scenario.needs_direct_connection(Variant { transport, ..Variant::default() })
        };
        let plain = |more: &str| reason(more, Transport::Plain).unwrap_or_default();
        assert_eq!(plain(""), "");
        assert_eq!(plain("wire = { connections = 1, request_flags = [0] }"), "");
        assert!(plain("wire = { goaways = 0 }").starts_with("the proxy itself answers"));
        assert!(plain("server = { max-connection-age = 1 }").starts_with("the case configures"));
        assert!(plain("steps = [{ server = \"kill\" }]").starts_with("the case kills"));
        let silent = "call = { ask = 4, to = \"silent-port\" }\nexpect = { root = 2 }";
        assert!(plain(silent).starts_with("the calls go to a port"));
        assert!(reason("", Transport::Tls).unwrap().starts_with("TLS ends"));
        assert!(reason("", Transport::Unix).unwrap().starts_with("the proxy listens"));
    }

    #[test]
    fn an_error_names_the_file_the_line_and_the_scenario() {
        let error = |rest: &str| {
            let good = "[[scenario]]\nname = \"a\"\ncall = { ask = 4 }\nexpect = { root = 2 }\n";
            scenarios(&format!("{good}[[scenario]]\n{rest}\n")).unwrap_err()
        };
        let of_b = |rest: &str| error(&format!("name = \"b\"\n{rest}"));
        assert!(error("name = \"a/b\"").starts_with("calls.toml:6: scenario `a/b`: a name must"));
        assert!(of_b("").starts_with("calls.toml:6: scenario `b`: a scenario needs `call`"));
        assert!(
            of_b("call = { ask = 1 }").starts_with("calls.toml:6: scenario `b`: a scenario needs")
        );
        let call = "call = { ask = 4 }\nexpect = { root = 2 }\n";
        assert!(
            of_b(&format!("{call}steps = [{{ server = \"kill\" }}]"))
                .contains(": a scenario needs")
        );
        assert!(of_b(&format!("{call}colour = 1")).starts_with("calls.toml:9: unknown field"));
        let twice = error(&format!("name = \"a\"\n{call}"));
        assert!(twice.starts_with("calls.toml:6: there is already a scenario `a`"), "{twice}");
        let encrypted = format!("{call}wire = {{}}\nvary = {{ transport = [\"tls\"] }}");
        assert!(
            of_b(&encrypted)
                .contains("scenario `b`: wire: vary.transport must contain only `plain`")
        );
        let certificate = format!("{call}server = {{ certificate = \"expired\" }}");
        assert!(
            of_b(&certificate).contains("scenario `b`: server: `certificate` needs vary.transport")
        );
        let actions =
            "steps = [{ server = \"kill\" }, { server = \"start\" }, { server = \"start\" }]";
        assert!(of_b(actions).contains("scenario `b`: `server` must alternate"));
        let axis = format!("{call}vary = {{ transport = [] }}");
        assert!(of_b(&axis).contains("scenario `b`: vary: `transport` and `compression` must"));
    }
}
