//! One scenario while it is played: its steps, and the server that it has for itself.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::calls::dedicated_server::OwnServer;
use crate::calls::scenario::Scenario;
use crate::calls::scenario::step::{ServerAction, ServerMemory, Step};
use crate::calls::session::Session;
use crate::capture::recorder::Recorder;
use crate::capture::tap::Tap;
use crate::config::axes::Variant;
use crate::config::target::Target;
use crate::outcome::finding::{Finding, Mismatch};
use crate::outcome::observation::Observation;
use crate::process::agent::shortened;
use crate::process::agent_pool::BorrowedAgent;
use crate::process::memory;
use crate::process::server_config::ServerConfig;
use crate::process::server_slot::ServerSlot;
use grpc_interop_protocol::{Outcome, Request};

/// How long a call that is to succeed eventually waits before it is made again.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// How often another port is tried for a tap.
const ATTEMPTS: usize = 10;

/// Why a trace lacks the calls to other addresses.
const NO_TAP: &str = "calls to an address where no server answers are not looked at: between client and \
                      nobody there is nothing to pass on";

/// How long a client may take to close its connections once its calls have ended, where they are
/// counted, and where they are only looked at.
const CLOSING: Duration = Duration::from_secs(2);
const CLOSING_UNCOUNTED: Duration = Duration::from_millis(100);

/// See the module.
pub(crate) struct Play<'a> {
    pairing: &'a Session,
    variant: Variant,
    arrangement: ServerConfig,
    /// The server that all share.
    slot: &'a ServerSlot,
    agent: BorrowedAgent<'a>,
    own_server: Option<OwnServer<'a>>,
    tap: Option<Tap>,
}

/// What people are told of a play, whatever comes of it.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What the agent was told, shortened.
    pub(crate) sent: Vec<String>,
    /// What is right, of all steps so far.
    pub(crate) right: Observation,
    /// What came of them, the last time that each was done.
    pub(crate) observed: Observation,
}

impl<'a> Play<'a> {
    pub(crate) fn new(
        pairing: &'a Session,
        variant: Variant,
        arrangement: ServerConfig,
        slot: &'a ServerSlot,
        agent: BorrowedAgent<'a>,
    ) -> Self {
        let (own_server, tap) = (None, None);
        Self { pairing, variant, arrangement, slot, agent, own_server, tap }
    }

    /// Plays all steps; what people should know is `told`, and what goes over the wire is taken on
    /// `tape`, also when one of them ends the scenario.
    pub(crate) fn all(
        &mut self,
        scenario: &Scenario,
        told: &mut Told,
        tape: &Recorder,
    ) -> Result<Vec<Mismatch>, Finding> {
        let steps = scenario.steps();
        if scenario.needs_own_server() {
            self.own_server = Some(OwnServer::start(self.pairing, self.arrangement)?);
        }
        if steps.iter().any(|step| step.target() != Target::Server) {
            tape.note(NO_TAP);
        }
        self.tap = Some(self.start_tap(scenario.wire.is_some(), tape)?);
        let mut mismatches = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let is_last = steps[index + 1..].iter().all(|step| step.calls().is_empty());
            let label = match steps.len() {
                1 => String::new(),
                _ => format!("step {}: ", index + 1),
            };
            let mut of_step = Told::default();
            let played = self.repeated(step, is_last, &mut of_step);
            told.extend(&label, of_step);
            let labelled = played?
                .into_iter()
                .map(|mismatch| Mismatch { what: format!("{label}{}", mismatch.what), ..mismatch });
            mismatches.extend(labelled);
        }
        if let Some(tap) = self.tap.take() {
            let patience = if scenario.wire.is_some() { CLOSING } else { CLOSING_UNCOUNTED };
            let sight = tap.finish(patience);
            let wire = scenario.wire.as_ref();
            mismatches.extend(wire.into_iter().flat_map(|w| w.mismatches(&sight, self.variant)));
        }
        Ok(mismatches)
    }

    /// A tap before the server, at an address of the same kind.
    fn start_tap(&self, counts: bool, tape: &Recorder) -> Result<Tap, Finding> {
        let context = &self.pairing.context;
        let server = self.server_address()?;
        let mut attempts = 0;
        loop {
            let address = match self.own_server {
                // It goes away and comes back with the server.
                Some(_) => self.arrangement.lasting_address(context),
                None => self.arrangement.fresh_address(context),
            };
            let address = address.map_err(Finding::SetUpError)?;
            match Tap::start(&address, server.clone(), tape.clone(), counts) {
                // Another run has taken the port in between.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts < ATTEMPTS => {
                    attempts += 1;
                }
                tap => return tap.map_err(|error| no_tap(&error)),
            }
        }
    }

    /// Does a step as often as it says, until it goes wrong.
    fn repeated(
        &mut self,
        step: &Step,
        is_last: bool,
        told: &mut Told,
    ) -> Result<Vec<Mismatch>, Finding> {
        let times = step.repeat.unwrap_or(1);
        for time in 1..=times {
            let keep_channels = step.keep_channels.unwrap_or(true) && !(is_last && time == times);
            thread::sleep(Duration::from_millis(step.pause_ms));
            let mut this_time = Told::default();
            let mismatches = self.measured(step, keep_channels, &mut this_time);
            // Of equal lines one is enough.
            if time == 1 || mismatches.as_ref().map_or(true, |mismatches| !mismatches.is_empty()) {
                told.sent.append(&mut this_time.sent);
            }
            (told.right, told.observed) = (this_time.right, this_time.observed);
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
        told: &mut Told,
    ) -> Result<Vec<Mismatch>, Finding> {
        let running = self.own_server.as_ref().and_then(|server| server.running.as_ref());
        let leader = running.map(|server| server.process.pid());
        let (Some(ServerMemory { grows_by_at_most_mib: most }), Some(leader)) =
            (step.server_memory, leader)
        else {
            return self.step(step, keep_channels, told);
        };
        let (mismatches, growth) =
            memory::growth_during(leader, || self.step(step, keep_channels, told));
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
        told: &mut Told,
    ) -> Result<Vec<Mismatch>, Finding> {
        let calls = step.calls();
        if calls.is_empty() {
            if let (Some(action), Some(server)) = (step.server, &mut self.own_server) {
                act(server, self.tap.as_mut(), action)?;
            }
            return Ok(Vec::new());
        }
        let until = Instant::now() + Duration::from_millis(step.eventually_ms.unwrap_or(0));
        let mut action = step.server;
        loop {
            let trial = unique_name();
            let request = self.request(step, keep_channels, &trial)?;
            told.sent.push(shortened(&serde_json::to_string(&request).unwrap_or_default()));
            let outcome = self.perform(&request, action.take(), step.after_ms)?;
            if let Some(reason) = outcome.not_supported {
                return Err(Finding::NotSupported(reason));
            }
            (told.right, told.observed) = step.compared(&outcome.calls, &trial);
            let mismatches = step.mismatches(request.calls.len(), &outcome.calls, &trial);
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
        let context = &self.pairing.context;
        let tap = self.tap.as_mut();
        let (Some(action), Some(server)) = (action, &mut self.own_server) else {
            return self.agent.perform(request, context);
        };
        let mut acted = Ok(());
        let outcome = self.agent.perform_beside(request, context, || {
            thread::sleep(Duration::from_millis(after_ms));
            acted = act(server, tap, action);
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
        let context = &self.pairing.context;
        let request = step.request(self.variant, trial).map_err(Finding::SetUpError)?;
        let tls = step.leader().and_then(|call| call.tls());
        let tls = context.certificates.client(self.variant.transport, tls);
        if tls.is_some() {
            context.certificates.make().map_err(Finding::SetUpError)?;
        }
        let server = match (step.target(), &self.tap) {
            (Target::Server, Some(tap)) => tap.address(),
            _ => self.server_address()?,
        };
        let address = context
            .address(step.target(), &server)
            .map_err(|error| Finding::SetUpError(error.to_string()))?;
        Ok(Request { address, keep_channels, tls, ..request })
    }

    fn server_address(&self) -> Result<String, Finding> {
        if let Some(server) = &self.own_server {
            return Ok(server.address.clone());
        }
        self.slot.address(&self.pairing.context).map_err(Finding::SetUpError)
    }
}

impl Told {
    /// Adds what is told of a step, whose lines are to begin with `label`.
    fn extend(&mut self, label: &str, step: Self) {
        self.sent.extend(step.sent);
        self.right.extend(label, step.right);
        self.observed.extend(label, step.observed);
    }
}

/// Has the server do something; while it is away there is no tap either, so that nobody is let in.
fn act(
    server: &mut OwnServer<'_>,
    mut tap: Option<&mut Tap>,
    action: ServerAction,
) -> Result<(), Finding> {
    if let Some(tap) = &mut tap {
        tap.shut();
    }
    server.act(action)?;
    match tap.filter(|_| server.running.is_some()) {
        Some(tap) => tap.open().map_err(|error| no_tap(&error)),
        None => Ok(()),
    }
}

fn no_tap(error: &io::Error) -> Finding {
    Finding::SetUpError(format!("the tap: {error}"))
}

/// A name that no other attempt of any trial has, also of other runs at the same server.
fn unique_name() -> String {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), GIVEN.fetch_add(1, Ordering::Relaxed))
}
