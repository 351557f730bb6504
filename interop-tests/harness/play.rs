//! One scenario while it is played: its steps, and the server that it has for itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::agent::shortened;
use super::agent_pool::Lent;
use super::arrangement::Arrangement;
use super::finding::{Finding, Mismatch};
use super::memory;
use super::pairing::Pairing;
use super::protocol::{Outcome, Request};
use super::scenario::axes::Variant;
use super::scenario::step::{ServerAction, ServerMemory, Step};
use super::scenario::{Scenario, Target};
use super::server::RunningServer;
use super::slot::ServerSlot;
use super::tap::Tap;

/// How long a call that is to succeed eventually waits before it is made again.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// See the module.
pub(crate) struct Play<'a> {
    pairing: &'a Pairing,
    variant: Variant,
    arrangement: Arrangement,
    /// The server that all share.
    slot: &'a ServerSlot,
    agent: Lent<'a>,
    own_server: Option<RunningServer>,
    own_address: Option<String>,
    tap: Option<Tap>,
}

impl<'a> Play<'a> {
    pub(crate) fn new(
        pairing: &'a Pairing,
        variant: Variant,
        arrangement: Arrangement,
        slot: &'a ServerSlot,
        agent: Lent<'a>,
    ) -> Self {
        let (own_server, own_address, tap) = (None, None, None);
        Self { pairing, variant, arrangement, slot, agent, own_server, own_address, tap }
    }

    /// Plays all steps; what was `sent` is told also when one of them ends the scenario.
    pub(crate) fn all(
        mut self,
        scenario: &Scenario,
        sent: &mut Vec<String>,
    ) -> Result<Vec<Mismatch>, Finding> {
        let steps = scenario.steps();
        if scenario.needs_own_server() {
            let address = self.arrangement.lasting_address(&self.pairing.setting);
            self.own_address = Some(address.map_err(Finding::SetUpError)?);
            self.start_own_server()?;
        }
        if scenario.wire.is_some() {
            let tap = Tap::start(self.server_address()?);
            self.tap = Some(tap.map_err(|error| Finding::SetUpError(format!("the tap: {error}")))?);
        }
        let mut mismatches = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let is_last = steps[index + 1..].iter().all(|step| step.calls().is_empty());
            let of_step = self.repeated(step, is_last, sent)?;
            let labelled = of_step.into_iter().map(|mismatch| match steps.len() {
                1 => mismatch,
                _ => {
                    Mismatch { what: format!("step {}: {}", index + 1, mismatch.what), ..mismatch }
                }
            });
            mismatches.extend(labelled);
        }
        if let (Some(wire), Some(tap)) = (&scenario.wire, self.tap.take()) {
            mismatches.extend(wire.mismatches(&tap.finish(), self.variant));
        }
        Ok(mismatches)
    }

    /// Does a step as often as it says, until it goes wrong.
    fn repeated(
        &mut self,
        step: &Step,
        is_last: bool,
        sent: &mut Vec<String>,
    ) -> Result<Vec<Mismatch>, Finding> {
        let times = step.repeat.unwrap_or(1);
        for time in 1..=times {
            let keep_channels = step.keep_channels.unwrap_or(true) && !(is_last && time == times);
            thread::sleep(Duration::from_millis(step.pause_ms));
            let mut told = Vec::new();
            let mismatches = self.measured(step, keep_channels, &mut told);
            // Of equal lines one is enough.
            if time == 1 || mismatches.as_ref().map_or(true, |mismatches| !mismatches.is_empty()) {
                sent.append(&mut told);
            }
            let mismatches = mismatches?;
            if !mismatches.is_empty() {
                let labelled = |mismatch: Mismatch| match step.repeat {
                    None => mismatch,
                    Some(_) => {
                        Mismatch { what: format!("time {time}: {}", mismatch.what), ..mismatch }
                    }
                };
                return Ok(mismatches.into_iter().map(labelled).collect());
            }
        }
        Ok(Vec::new())
    }

    /// Does a step and compares the server's memory meanwhile, if that is asked for.
    fn measured(
        &mut self,
        step: &Step,
        keep_channels: bool,
        sent: &mut Vec<String>,
    ) -> Result<Vec<Mismatch>, Finding> {
        let (Some(ServerMemory { grows_by_at_most_mib: most }), Some(server)) =
            (step.server_memory, &self.own_server)
        else {
            return self.step(step, keep_channels, sent);
        };
        let leader = server.process.pid();
        let (mismatches, growth) =
            memory::growth_during(leader, || self.step(step, keep_channels, sent));
        let mut mismatches = mismatches?;
        let Some(growth) = growth else {
            let why = "the memory of a process is told by /proc, which is not here";
            return Err(Finding::NotSupported(why.to_owned()));
        };
        if growth > most {
            let expected = format!("grows by {most} MiB at most");
            mismatches.push(Mismatch::new(
                "server memory",
                expected,
                format!("grows by {growth:.0} MiB"),
            ));
        }
        Ok(mismatches)
    }

    fn step(
        &mut self,
        step: &Step,
        keep_channels: bool,
        sent: &mut Vec<String>,
    ) -> Result<Vec<Mismatch>, Finding> {
        let calls = step.calls();
        if calls.is_empty() {
            return self.act(step.server).map(|()| Vec::new());
        }
        let until = Instant::now() + Duration::from_millis(step.eventually_ms.unwrap_or(0));
        let mut action = step.server;
        loop {
            let trial = unique_name();
            let request = self.request(step, keep_channels, &trial)?;
            sent.push(shortened(&serde_json::to_string(&request).unwrap_or_default()));
            let outcome = self.perform(&request, action.take(), step.after_ms)?;
            if let Some(reason) = outcome.not_supported {
                return Err(Finding::NotSupported(reason));
            }
            let mismatches = mismatches(step, &request, &outcome, &trial);
            if mismatches.is_empty() || Instant::now() >= until {
                return Ok(mismatches);
            }
            thread::sleep(BETWEEN_ATTEMPTS);
        }
    }

    /// Has the agent make the calls; if there is an `action`, it happens so long after they have
    /// begun, whether they have ended by then or not.
    fn perform(
        &mut self,
        request: &Request,
        action: Option<ServerAction>,
        after_ms: u64,
    ) -> Result<Outcome, Finding> {
        let setting = &self.pairing.setting;
        let Some(action) = action else { return self.agent.perform(request, setting) };
        let Self { agent, own_server, own_address, pairing, arrangement, .. } = self;
        let mut acted = Ok(());
        let outcome = agent.perform_beside(request, setting, || {
            thread::sleep(Duration::from_millis(after_ms));
            acted = act(action, pairing, arrangement, own_address.as_deref(), own_server);
        });
        acted?;
        outcome
    }

    fn request(
        &mut self,
        step: &Step,
        keep_channels: bool,
        trial: &str,
    ) -> Result<Request, Finding> {
        let setting = &self.pairing.setting;
        let request = step.request(self.variant, trial).map_err(Finding::SetUpError)?;
        let tls = step.leader().and_then(|call| call.tls());
        let tls = setting.certificates.client(self.variant.transport, tls);
        if tls.is_some() {
            setting.certificates.make().map_err(Finding::SetUpError)?;
        }
        let server = match (step.target(), &self.tap) {
            (Target::Server, Some(tap)) => tap.address(),
            _ => self.server_address()?,
        };
        let address = setting
            .address(step.target(), &server)
            .map_err(|error| Finding::SetUpError(error.to_string()))?;
        Ok(Request { address, keep_channels, tls, ..request })
    }

    fn server_address(&self) -> Result<String, Finding> {
        if let Some(address) = &self.own_address {
            return Ok(address.clone());
        }
        self.slot.address(&self.pairing.setting).map_err(Finding::SetUpError)
    }

    fn act(&mut self, action: Option<ServerAction>) -> Result<(), Finding> {
        let Some(action) = action else { return Ok(()) };
        let address = self.own_address.as_deref();
        act(action, self.pairing, &self.arrangement, address, &mut self.own_server)
    }

    fn start_own_server(&mut self) -> Result<(), Finding> {
        self.act(Some(ServerAction::Start))
    }
}

/// Kills the `running` server, or starts it at `address`.
fn act(
    action: ServerAction,
    pairing: &Pairing,
    arrangement: &Arrangement,
    address: Option<&str>,
    running: &mut Option<RunningServer>,
) -> Result<(), Finding> {
    // The old one first: it may still hold the port.
    *running = None;
    if action == ServerAction::Kill {
        return Ok(());
    }
    let did_not_start =
        |why: String| Finding::SetUpError(format!("the server did not start: {why}"));
    let setting = &pairing.setting;
    let program = arrangement.arranged(pairing.fleet.program(), setting).map_err(did_not_start)?;
    let logs = pairing.fleet.slot(*arrangement).logs().clone();
    let server = RunningServer::start(&program, &setting.places, address.unwrap_or_default(), logs)
        .map_err(|error| did_not_start(error.to_string()))?;
    *running = Some(server);
    Ok(())
}

/// In what the ends of all calls of a step differ from what is right.
fn mismatches(step: &Step, request: &Request, outcome: &Outcome, trial: &str) -> Vec<Mismatch> {
    let sent = request.calls.len();
    if outcome.calls.len() != sent {
        return vec![Mismatch::new("number of calls", sent, outcome.calls.len())];
    }
    let mut ends = outcome.calls.iter().enumerate();
    let mut mismatches = Vec::new();
    for (call, expect) in step.calls() {
        for (index, (number, end)) in ends.by_ref().take(call.count()).enumerate() {
            let label = |what: &str| match sent {
                1 => what.to_owned(),
                _ => format!("call {}: {what}", number + 1),
            };
            let of_call = expect.mismatches(call, index, end, trial);
            mismatches.extend(
                of_call
                    .into_iter()
                    .map(|mismatch| Mismatch { what: label(&mismatch.what), ..mismatch }),
            );
        }
    }
    mismatches
}

/// A name that no other attempt of any trial has, also of other runs at the same server.
fn unique_name() -> String {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), GIVEN.fetch_add(1, Ordering::Relaxed))
}
