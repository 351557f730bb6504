//! A step of a scenario: calls that are made at once, or an action on the server.

use grpc_interop_protocol::{CallOutcome, Request};
use serde::Deserialize;

use crate::calls::expectation::{Expectation, comparison::Comparison};
use crate::calls::methods::Methods;
use crate::calls::scenario::call::Call;
use crate::config::{Target, Variant};
use crate::outcome::Mismatch;

/// One of the `steps` of a scenario.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) call: Option<Call>,
    pub(crate) expect: Option<Expectation>,
    /// Different calls that are made at once, each with its own `expect`.
    pub(crate) calls: Vec<Call>,
    /// An action on the server: alone, or during the calls.
    pub(crate) server: Option<ServerAction>,
    /// With `server` and calls: the time of the action, in milliseconds after the start of the calls.
    pub(crate) after_ms: u64,
    /// For how long the calls are repeated until they end as expected.
    pub(crate) eventually_ms: Option<u64>,
    /// A pause before each run of the step.
    pub(crate) pause_ms: u64,
    /// How many times the step runs.
    pub(crate) repeat: Option<usize>,
    /// Whether the next step uses the same channels. The default is yes.
    pub(crate) keep_channels: Option<bool>,
    /// A limit on the growth of the server's memory.
    pub(crate) server_memory: Option<ServerMemory>,
}

/// An action on the server of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServerAction {
    /// Kills the process of the server. Clients cannot connect until `Start`.
    Kill,
    /// Lets clients connect to the server again, which has been started in the meantime.
    Start,
}

/// A limit on the growth of the server's resident memory during a step.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerMemory {
    pub(crate) grows_by_at_most_mib: f64,
}

impl Step {
    /// Looks up the methods of its calls.
    pub(crate) fn look_up(&mut self, methods: &Methods) {
        self.call.iter_mut().chain(&mut self.calls).for_each(|call| call.look_up(methods));
    }

    /// The calls with their expectations; empty for a step that only acts on the server.
    pub(crate) fn calls(&self) -> Vec<(&Call, &Expectation)> {
        let one = self.call.iter().zip(&self.expect);
        one.chain(self.calls.iter().filter_map(|call| Some((call, call.expect.as_ref()?))))
            .collect()
    }

    /// Whether it needs a server of its own.
    pub(crate) fn needs_own_server(&self) -> bool {
        self.server.is_some() || self.server_memory.is_some()
    }

    /// Whether it mostly waits.
    pub(crate) fn waits(&self) -> bool {
        self.server.is_some()
            || self.eventually_ms.is_some()
            || self.pause_ms > 0
            || self.calls().iter().any(|(call, expect)| call.waits() || expect.waits())
    }

    /// The first call. It determines the connections of all calls of the step.
    pub(crate) fn leader(&self) -> Option<&Call> {
        self.calls().first().map(|(call, _)| *call)
    }

    /// The destination of the calls.
    pub(crate) fn target(&self) -> Target {
        self.leader().map_or(Target::Server, |call| call.to)
    }

    /// The request to the agent, without address and credentials.
    pub(crate) fn request(&self, variant: Variant, trial: &str) -> Result<Request, String> {
        let mut calls = Vec::new();
        for (call, _) in self.calls() {
            calls.extend(call.calls(variant, trial)?);
        }
        let leader = self.leader();
        Ok(Request {
            channels: leader.map_or(1, |call| call.channels),
            keepalive: leader.and_then(|call| call.keepalive),
            calls,
            ..Request::default()
        })
    }

    /// Compares the outcomes of the calls. Only the first ones are kept as lines.
    pub(crate) fn compare(&self, outcomes: &[CallOutcome], trial: &str) -> Comparison {
        const SHOWN: usize = 8;
        let mut all = Comparison::default();
        let mut numbered = (1..).zip(outcomes);
        for (call, expect) in self.calls() {
            let form = call.reply_form();
            for (index, (number, outcome)) in numbered.by_ref().take(call.count()).enumerate() {
                let mut comparison = expect.compare(&form, index, outcome, trial);
                if number > SHOWN {
                    (comparison.expected, comparison.observed) = Default::default();
                }
                let label = format!("call {number}: ");
                all.extend(if outcomes.len() == 1 { "" } else { &label }, comparison);
            }
        }
        if outcomes.len() > SHOWN {
            all.observed.add("further calls", (outcomes.len() - SHOWN).to_string());
        }
        let count: usize = self.calls().iter().map(|(call, _)| call.count()).sum();
        if outcomes.len() != count {
            all.mismatches = vec![Mismatch::new("number of calls", count, outcomes.len())];
        }
        all
    }

    /// Checks the step itself.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(call) = self.calls.iter().find(|call| call.expect.is_none()) {
            call.check()?;
            return Err("each of `calls` needs its own `expect`".to_owned());
        }
        if self.call.as_ref().is_some_and(|call| call.expect.is_some()) {
            return Err("write `expect` next to `call`; only `calls` contain `expect`".to_owned());
        }
        match (&self.call, &self.expect, self.calls.is_empty(), &self.server) {
            (Some(_), Some(_), true, _) | (None, None, false, _) | (None, None, true, Some(_)) => {}
            _ => return Err("a step needs `call` and `expect`, `calls`, or `server`".to_owned()),
        }
        for (call, expect) in self.calls() {
            call.check()?;
            expect.check(&call.reply_form())?;
        }
        let states_connections = |call: &Call| {
            let is_usual = call.channels == 1 && call.to == Target::Server;
            !is_usual || call.keepalive.is_some() || call.tls.is_some()
        };
        if self.calls.iter().skip(1).any(states_connections) {
            let keys = "`channels`, `to`, `keepalive` and `tls`";
            return Err(format!("{keys} are allowed only in the first of `calls`"));
        }
        if self.repeat == Some(0) {
            return Err("`repeat` must be at least 1".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(table: &str) -> Step {
        let mut step: Step = toml::from_str(table).unwrap();
        step.look_up(&Methods::with(None).unwrap());
        step
    }

    fn root(digits: &str) -> CallOutcome {
        CallOutcome {
            status: "OK".to_owned(),
            message: String::new(),
            value: Some(digits.to_owned()),
            replies: None,
            details: None,
            initial_metadata: Vec::new(),
            trailing_metadata: Vec::new(),
            elapsed_ms: 1.0,
        }
    }

    #[test]
    fn a_mismatch_names_the_call_if_there_are_several() {
        let one = step("call = { ask = 4 }\nexpect = { root = 2 }");
        let whats = |step: &Step, outcomes: &[CallOutcome]| {
            let mismatches = step.compare(outcomes, "").mismatches;
            mismatches.into_iter().map(|mismatch| mismatch.what).collect::<Vec<_>>()
        };
        assert_eq!(whats(&one, &[root("40000000")]), [""; 0]);
        assert_eq!(whats(&one, &[root("40000001")]), ["root"]);
        let two = step("call = { ask = [4, 9] }\nexpect = { root = [2, 3] }");
        assert_eq!(whats(&two, &[root("40000000"), root("40400000")]), [""; 0]);
        assert_eq!(whats(&two, &[root("40400000"), root("40400000")]), ["call 1: root"]);
        assert_eq!(whats(&two, &[root("40000000")]), ["number of calls"]);
    }

    #[test]
    fn only_the_first_outcomes_are_shown() {
        let many = step("call = { ask = 4, times = 10 }\nexpect = { root = 2 }");
        let comparison = many.compare(&vec![root("40000000"); 10], "");
        assert_eq!(comparison.observed.values("further calls"), ["2"]);
        assert_eq!(comparison.expected.values("root").len(), 8);
        assert_eq!(comparison.mismatches, []);
    }

    #[test]
    fn a_step_has_calls_or_concerns_the_server() {
        let error = |table: &str| step(table).check().unwrap_err();
        assert!(error("").starts_with("a step needs"));
        assert!(error("call = { ask = 4 }").starts_with("a step needs"));
        assert!(error("calls = [{ ask = 4 }]").starts_with("each of `calls`"));
        let misplaced = "call = { ask = 4, expect = { root = 2 } }";
        assert!(error(misplaced).starts_with("write `expect` next to `call`"));
        let call = "{ ask = 4, channels = 2, expect = { root = 2 } }";
        assert!(error(&format!("calls = [{call}, {call}]")).starts_with("`channels`, `to`"));
        let repeated = "repeat = 0\ncall = { ask = 4 }\nexpect = { root = 2 }";
        assert!(error(repeated).starts_with("`repeat` must"));
        assert_eq!(step("server = \"kill\"").check(), Ok(()));
        assert!(step("server = \"kill\"").needs_own_server() && step("server = \"kill\"").waits());
    }
}
