//! The run of one scenario at one point of the axes: an agent makes its calls through a tap.
//!
//! A tap is always there, so that a failure can show what went over the wire.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::calls::scenario::Scenario;
use crate::calls::scenario::step::{Comparison, ServerAction, ServerMemory, Step};
use crate::calls::session::{DedicatedServer, Session};
use crate::capture::recorder::Recorder;
use crate::capture::tap::Tap;
use crate::config::axes::Variant;
use crate::config::connection::Target;
use crate::outcome::evidence::{Evidence, Report};
use crate::outcome::finding::{Finding, Mismatch};
use crate::outcome::observation::Observation;
use crate::process::agent::shortened;
use crate::process::agent_pool::BorrowedAgent;
use crate::process::group;
use crate::process::server_config::ServerConfig;
use crate::process::server_pool::SharedServer;
use grpc_interop_protocol::{Outcome, Request};

/// The pause between two attempts of a step that is to succeed eventually.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// How many ports are tried for a tap.
const TAP_ATTEMPTS: usize = 10;

/// Why a trace does not show the calls to other addresses.
const NOT_TAPPED: &str = "calls to an address at which no server responds are not recorded: no tap is \
                          between the client and that address";

/// How long a client may take to close its connections after its calls, if they are counted, and if
/// they are only recorded.
const CLOSING: Duration = Duration::from_secs(2);
const CLOSING_UNCOUNTED: Duration = Duration::from_millis(100);

/// Runs `scenario` at this point of the axes and reports how its outcome differs from the expected one.
pub(crate) fn run(session: &Session, scenario: &Scenario, variant: Variant) -> Report {
    let Session { servers, agents, context } = session;
    let config = ServerConfig::new(variant, scenario.server);
    let server = servers.server(config);
    let mut evidence = evidence(session, scenario, &server);
    let (capabilities, is_dedicated) =
        (scenario.capabilities(variant), scenario.needs_own_server());
    let unsupported = servers.not_supported(&config, &capabilities, is_dedicated);
    if let Some(why) = unsupported.or_else(|| agents.not_supported(variant)) {
        return Report { finding: Finding::NotSupported(why), evidence };
    }
    let waits = scenario.waits();
    let agent = agents.lend(waits);
    let logs = agent.logs().into_iter();
    evidence.logs.extend(logs.flat_map(|logs| [logs.stdout.clone(), logs.stderr.clone()]));
    let permit = (!waits).then(|| context.busy_permits.acquire());
    evidence.began = Some(Instant::now());
    let recorder = evidence.recorder.insert(Recorder::default());
    let mut run = CaseRun {
        session,
        variant,
        config,
        server: &server,
        agent,
        dedicated: None,
        tap: None,
        transcript: Transcript::default(),
    };
    let finding = run.run(scenario, recorder).map_or_else(|finding| finding, Finding::from);
    let Transcript { requests, expected, observed } = std::mem::take(&mut run.transcript);
    evidence.sent = requests;
    evidence.expected = vec![expected];
    evidence.observed = Some(observed);
    let exit = match &finding {
        Finding::Mismatches(_) => server.is_gone(),
        Finding::Match | Finding::NotSupported(_) => server.has_exited(),
        _ => None,
    };
    // Not earlier: the next case of this agent would start the server again.
    drop((run, permit));
    let finding = exit.map_or(finding, |how| {
        Finding::Broken(format!("the server ended during this case, {how}"))
    });
    Report { finding, evidence }
}

fn evidence(session: &Session, scenario: &Scenario, server: &SharedServer) -> Evidence {
    let Session { agents, context, .. } = session;
    let client = agents.program().command_line(&context.places, "");
    let logs = server.logs();
    Evidence {
        about: scenario.about.clone(),
        server_command: server.command(context),
        client_command: client.ok().map(|line| line.to_string()),
        logs: vec![logs.stdout.clone(), logs.stderr.clone()],
        ..Evidence::default()
    }
}

struct CaseRun<'a> {
    session: &'a Session,
    variant: Variant,
    config: ServerConfig,
    /// The server that all cases share.
    server: &'a SharedServer,
    agent: BorrowedAgent<'a>,
    dedicated: Option<DedicatedServer<'a>>,
    tap: Option<Tap>,
    transcript: Transcript,
}

/// What a failure message shows of the calls, however the case ends.
#[derive(Debug, Default)]
struct Transcript {
    /// The requests to the agent, shortened.
    requests: Vec<String>,
    /// The expected outcomes of all steps so far.
    expected: Observation,
    /// The observed ones, each of the last time that the step was done.
    observed: Observation,
}

impl CaseRun<'_> {
    fn run(&mut self, scenario: &Scenario, recorder: &Recorder) -> Result<Vec<Mismatch>, Finding> {
        if scenario.needs_own_server() {
            self.dedicated = Some(DedicatedServer::start(self.session, self.config)?);
        }
        if scenario.steps.iter().any(|step| step.target() != Target::Server) {
            recorder.note(NOT_TAPPED);
        }
        self.tap = Some(self.start_tap(scenario.wire.is_some(), recorder)?);
        let mut mismatches = Vec::new();
        for (index, step) in scenario.steps.iter().enumerate() {
            let is_last = scenario.steps[index + 1..].iter().all(|step| step.calls().is_empty());
            let label = match scenario.steps.len() {
                1 => String::new(),
                _ => format!("step {}: ", index + 1),
            };
            let mut transcript = Transcript::default();
            let outcome = self.repeat(step, is_last, &mut transcript);
            self.transcript.requests.extend(transcript.requests);
            self.transcript.expected.extend(&label, transcript.expected);
            self.transcript.observed.extend(&label, transcript.observed);
            mismatches.extend(outcome?.into_iter().map(|mismatch| mismatch.labelled(&label)));
        }
        let limit = if scenario.wire.is_some() { CLOSING } else { CLOSING_UNCOUNTED };
        let stats = self.tap.take().map(|tap| tap.finish(limit));
        if let (Some(wire), Some(stats)) = (&scenario.wire, stats) {
            mismatches.extend(wire.mismatches(&stats, self.variant));
        }
        Ok(mismatches)
    }

    /// A tap in front of the server, at an address of the same kind.
    fn start_tap(&self, counts: bool, recorder: &Recorder) -> Result<Tap, Finding> {
        let context = &self.session.context;
        let server = self.server_address()?;
        let mut attempts = 0;
        loop {
            let address = match self.dedicated {
                // The tap stops and starts again with the server.
                Some(_) => self.config.lasting_address(context),
                None => self.config.fresh_address(context),
            };
            let address = address.map_err(Finding::SetUpError)?;
            match Tap::start(&address, server.clone(), recorder.clone(), counts) {
                // Another process has taken the port in between.
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && attempts < TAP_ATTEMPTS =>
                {
                    attempts += 1;
                }
                tap => return tap.map_err(|error| tap_failed(&error)),
            }
        }
    }

    /// Does a step as many times as it says, until the outcome is not the expected one.
    fn repeat(
        &mut self,
        step: &Step,
        is_last: bool,
        transcript: &mut Transcript,
    ) -> Result<Vec<Mismatch>, Finding> {
        let times = step.repeat.unwrap_or(1);
        for time in 1..=times {
            let keep_channels = step.keep_channels.unwrap_or(true) && !(is_last && time == times);
            thread::sleep(Duration::from_millis(step.pause_ms));
            let before = transcript.requests.len();
            let mismatches = self.measure_memory(step, keep_channels, transcript);
            // The requests are the same each time, so only those of the first time are shown, and
            // those of a failure.
            if time > 1 && matches!(&mismatches, Ok(mismatches) if mismatches.is_empty()) {
                transcript.requests.truncate(before);
            }
            let mismatches = mismatches?;
            if !mismatches.is_empty() {
                let label = step.repeat.map_or(String::new(), |_| format!("time {time}: "));
                return Ok(mismatches.into_iter().map(|it| it.labelled(&label)).collect());
            }
        }
        Ok(Vec::new())
    }

    /// Does a step, and compares the growth of the server's memory with the limit if there is one.
    fn measure_memory(
        &mut self,
        step: &Step,
        keep_channels: bool,
        transcript: &mut Transcript,
    ) -> Result<Vec<Mismatch>, Finding> {
        let running = self.dedicated.as_ref().and_then(|server| server.running.as_ref());
        let pid = running.map(|server| server.process.pid());
        let (Some(ServerMemory { grows_by_at_most_mib: most }), Some(pid)) =
            (step.server_memory, pid)
        else {
            return self.attempt(step, keep_channels, transcript);
        };
        let (mismatches, growth) =
            group::memory_growth_during(pid, || self.attempt(step, keep_channels, transcript));
        let mut mismatches = mismatches?;
        let Some(growth) = growth else {
            let why = "the memory of a process is read from /proc, which this system does not have";
            return Err(Finding::NotSupported(why.to_owned()));
        };
        if growth > most {
            let expected = format!("grows by {most} MiB at most");
            let observed = format!("grows by {growth:.0} MiB");
            mismatches.push(Mismatch::new("server memory", expected, observed));
        }
        Ok(mismatches)
    }

    /// Makes the calls of a step, again and again if they are to succeed eventually.
    fn attempt(
        &mut self,
        step: &Step,
        keep_channels: bool,
        transcript: &mut Transcript,
    ) -> Result<Vec<Mismatch>, Finding> {
        if step.calls().is_empty() {
            if let (Some(action), Some(server)) = (step.server, &mut self.dedicated) {
                act(server, self.tap.as_mut(), action)?;
            }
            return Ok(Vec::new());
        }
        (transcript.expected, transcript.observed) = Default::default();
        let until = Instant::now() + Duration::from_millis(step.eventually_ms.unwrap_or(0));
        let mut action = step.server;
        loop {
            let trial = unique_name();
            let request = self.request(step, keep_channels, &trial)?;
            let line = serde_json::to_string(&request).unwrap_or_default();
            transcript.requests.push(shortened(&line));
            let outcome = self.perform(&request, action.take(), step.after_ms)?;
            if let Some(reason) = outcome.not_supported {
                return Err(Finding::NotSupported(reason));
            }
            let Comparison { expected, observed, mismatches } =
                step.compare(&outcome.calls, &trial);
            (transcript.expected, transcript.observed) = (expected, observed);
            if mismatches.is_empty() || Instant::now() >= until {
                return Ok(mismatches);
            }
            thread::sleep(BETWEEN_ATTEMPTS);
        }
    }

    /// Has the agent make the calls. An `action` follows their start by so many milliseconds, whether
    /// they have ended by then or not.
    fn perform(
        &mut self,
        request: &Request,
        action: Option<ServerAction>,
        after_ms: u64,
    ) -> Result<Outcome, Finding> {
        let context = &self.session.context;
        let tap = self.tap.as_mut();
        let (Some(action), Some(server)) = (action, &mut self.dedicated) else {
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

    fn request(&self, step: &Step, keep_channels: bool, trial: &str) -> Result<Request, Finding> {
        let context = &self.session.context;
        let request = step.request(self.variant, trial).map_err(Finding::SetUpError)?;
        let tls = step.leader().and_then(|call| call.tls.as_ref());
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
        match &self.dedicated {
            Some(server) => Ok(server.address.clone()),
            None => self.server.address(&self.session.context).map_err(Finding::SetUpError),
        }
    }
}

/// Kills or starts the server. While it is not running, the tap refuses connections as well.
fn act(
    server: &mut DedicatedServer<'_>,
    mut tap: Option<&mut Tap>,
    action: ServerAction,
) -> Result<(), Finding> {
    if let Some(tap) = &mut tap {
        tap.stop_listening();
    }
    server.act(action)?;
    match tap.filter(|_| server.running.is_some()) {
        Some(tap) => tap.resume_listening().map_err(|error| tap_failed(&error)),
        None => Ok(()),
    }
}

fn tap_failed(error: &io::Error) -> Finding {
    Finding::SetUpError(format!("the tap: {error}"))
}

/// A name that no other attempt of any trial has, also of other runs with the same server.
fn unique_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
