//! A step of a scenario: calls that are made at once with what is right for each, or something that
//! happens to the server.

use serde::Deserialize;

use crate::calls::expectation::{Expectation, lines};
use crate::calls::scenario::call::Call;
use crate::config::axes::Variant;
use crate::config::target::Target;
use crate::outcome::finding::Mismatch;
use crate::outcome::observation::Observation;
use grpc_interop_protocol::CallOutcome;

/// Something that happens in a scenario.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) call: Option<Call>,
    pub(crate) expect: Option<Expectation>,
    /// Different calls that are made at once, each with its `expect`.
    #[serde(default)]
    pub(crate) calls: Vec<Call>,
    /// What happens to the server: before a call nothing else happens, with a call it happens while
    /// the call runs.
    pub(crate) server: Option<ServerAction>,
    /// With `server` and a call: how long after the call has begun.
    #[serde(default)]
    pub(crate) after_ms: u64,
    /// The calls are repeated for this long until they end as expected.
    pub(crate) eventually_ms: Option<u64>,
    /// How long nothing happens before the step, each time.
    #[serde(default)]
    pub(crate) pause_ms: u64,
    /// The step is done so often.
    pub(crate) repeat: Option<usize>,
    /// Whether the next step goes on with the channels of this one; it does, unless this is false.
    pub(crate) keep_channels: Option<bool>,
    /// How much more memory the server may use during the step than before it.
    pub(crate) server_memory: Option<ServerMemory>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServerAction {
    /// The server's process is killed.
    Kill,
    /// It is started again, at the address that it had.
    Start,
}

/// A bound on a server's resident memory.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerMemory {
    pub(crate) grows_by_at_most_mib: f64,
}

impl Step {
    /// A step that only makes calls.
    pub(crate) fn of_calls(
        call: Option<Call>,
        calls: Vec<Call>,
        expect: Option<Expectation>,
    ) -> Self {
        Self { call, expect, calls, ..Self::default() }
    }

    /// The calls with what is right for each; none when the step is only about the server.
    pub(crate) fn calls(&self) -> Vec<(&Call, &Expectation)> {
        let one = self.call.iter().zip(&self.expect);
        one.chain(self.calls.iter().filter_map(|call| Some((call, call.expect.as_ref()?))))
            .collect()
    }

    /// Whether it needs a server that nobody else uses.
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

    /// The call that says over which connections all calls of the step go.
    pub(crate) fn leader(&self) -> Option<&Call> {
        self.calls().first().map(|(call, _)| *call)
    }

    /// Who is called.
    pub(crate) fn target(&self) -> Target {
        self.leader().map_or(Target::Server, |call| call.to)
    }

    /// What an agent is told, but for where the server is and how it is reached.
    pub(crate) fn request(
        &self,
        variant: Variant,
        trial: &str,
    ) -> Result<grpc_interop_protocol::Request, String> {
        let mut calls = Vec::new();
        for (call, _) in self.calls() {
            calls.extend(call.calls(variant, trial)?);
        }
        let leader = self.leader();
        Ok(grpc_interop_protocol::Request {
            channels: leader.map_or(1, |call| call.channels),
            keepalive: leader.and_then(|call| call.keepalive),
            calls,
            ..grpc_interop_protocol::Request::default()
        })
    }

    /// In what the `ends` of the `sent` calls differ from what is right, in the trial that is called
    /// `trial`.
    pub(crate) fn mismatches(
        &self,
        sent: usize,
        ends: &[CallOutcome],
        trial: &str,
    ) -> Vec<Mismatch> {
        if ends.len() != sent {
            return vec![Mismatch::new("number of calls", sent, ends.len())];
        }
        let mut ends = ends.iter().enumerate();
        let mut mismatches = Vec::new();
        for (call, expect) in self.calls() {
            for (index, (number, end)) in ends.by_ref().take(call.count()).enumerate() {
                let labelled = |mismatch: Mismatch| match sent {
                    1 => mismatch,
                    _ => Mismatch {
                        what: format!("call {}: {}", number + 1, mismatch.what),
                        ..mismatch
                    },
                };
                let of_call = expect.mismatches(call, index, end, trial);
                mismatches.extend(of_call.into_iter().map(labelled));
            }
        }
        mismatches
    }

    /// What is right for the calls, and their `ends`, of which so many are told that people read.
    pub(crate) fn compared(&self, ends: &[CallOutcome], trial: &str) -> (Observation, Observation) {
        const TOLD: usize = 8;
        let (mut right, mut observed) = (Observation::default(), Observation::default());
        let mut numbered = ends.iter().enumerate();
        for (call, expect) in self.calls() {
            for (index, (number, end)) in numbered.by_ref().take(call.count()).enumerate() {
                if number >= TOLD {
                    continue;
                }
                let label = match ends.len() {
                    1 => String::new(),
                    _ => format!("call {}: ", number + 1),
                };
                right.extend("", expect.lines(call, index, trial, &label));
                observed.extend("", lines::observed(end, call, &label));
            }
        }
        if let Some(more) = ends.len().checked_sub(TOLD).filter(|more| *more > 0) {
            observed.add("further calls", more.to_string());
        }
        (right, observed)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(call) = self.calls.iter().find(|call| call.expect.is_none()) {
            call.check()?;
            return Err("each of `calls` has its own `expect`".to_owned());
        }
        if self.call.as_ref().is_some_and(|call| call.expect.is_some()) {
            return Err("`expect` stands beside `call`, and within each of `calls`".to_owned());
        }
        match (&self.call, &self.expect, self.calls.is_empty(), &self.server) {
            (Some(_), Some(_), true, _) | (None, None, false, _) | (None, None, true, Some(_)) => {}
            _ => {
                return Err("a step has `call` and `expect`, `calls`, or `server`".to_owned());
            }
        }
        for (call, expect) in self.calls() {
            call.check()?;
            expect.check(call)?;
        }
        let connections = |call: &&Call| {
            call.channels != 1
                || call.to != Target::Server
                || call.keepalive.is_some()
                || call.tls.is_some()
        };
        if self.calls.iter().skip(1).any(|call| connections(&call)) {
            return Err(
                "`channels`, `to`, `keepalive` and `tls` are those of the first of `calls`"
                    .to_owned(),
            );
        }
        if self.repeat == Some(0) {
            return Err("`repeat` is at least 1".to_owned());
        }
        Ok(())
    }
}
