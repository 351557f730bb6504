//! The run of one scenario at one point of the axes: an agent makes its calls through a tap.
//!
//! A tap is always there, so that a failure can show what went over the wire.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use grpc_interop_protocol::Request;

use crate::calls::expectation::comparison::Comparison;
use crate::calls::scenario::Scenario;
use crate::calls::scenario::step::{ServerAction, ServerMemory, Step};
use crate::capture::recorder::Recorder;
use crate::capture::tap::Tap;
use crate::config::{Target, Variant};
use crate::outcome::{Evidence, Finding, Mismatch, Report};
use crate::process::agent;
use crate::process::group;
use crate::process::net::addresses;
use crate::process::{
    AgentPool, BorrowedAgent, RunContext, RunningServer, ServerConfig, ServerPool, SharedServer,
};

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
    let mut evidence = Evidence {
        about: scenario.about.clone(),
        server_command: server.command(context),
        client_command: agents.program.shown(&context.places, ""),
        logs: server.logs.paths().to_vec(),
        ..Evidence::default()
    };
    let unsupported = servers.not_supported(
        &config,
        &scenario.capabilities(variant),
        scenario.needs_own_server(),
    );
    if let Some(why) = unsupported.or_else(|| agents.not_supported(variant)) {
        return Report { finding: Finding::NotSupported(why), evidence };
    }
    let waits = scenario.waits();
    let agent = agents.lend(waits);
    evidence.logs.extend(agent.logs().paths());
    let permit = (!waits).then(|| context.busy_permits.acquire());
    evidence.began = Some(Instant::now());
    let recorder = evidence.recorder.insert(Recorder::default());
    let mut run = CaseRun {
        context,
        variant,
        server: &server,
        agent,
        dedicated: None,
        tap: None,
        requests: Vec::new(),
        step: Comparison::default(),
        all: Comparison::default(),
    };
    let finding = match run.run(scenario, recorder) {
        Ok(()) => std::mem::take(&mut run.all.mismatches).into(),
        Err(finding) => finding,
    };
    evidence.sent = std::mem::take(&mut run.requests);
    let Comparison { expected, observed, .. } = std::mem::take(&mut run.all);
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

struct CaseRun<'a> {
    context: &'a RunContext,
    variant: Variant,
    /// The server that all cases share.
    server: &'a SharedServer,
    agent: BorrowedAgent<'a>,
    dedicated: Option<DedicatedServer<'a>>,
    tap: Option<Tap>,
    /// The requests to the agent, shortened.
    requests: Vec<String>,
    /// The outcome of the present step, of the last time that it was done.
    step: Comparison,
    /// The outcomes of all steps before it.
    all: Comparison,
}

impl CaseRun<'_> {
    /// Does all steps, and adds their outcomes to `all`, however the case ends.
    fn run(&mut self, scenario: &Scenario, recorder: &Recorder) -> Result<(), Finding> {
        if scenario.needs_own_server() {
            self.dedicated = Some(DedicatedServer::start(self.server, self.context)?);
        }
        if scenario.steps.iter().any(|step| step.target() != Target::Server) {
            recorder.note(NOT_TAPPED);
        }
        self.tap = Some(self.start_tap(scenario.wire.is_some(), recorder)?);
        for (index, step) in scenario.steps.iter().enumerate() {
            let is_last = scenario.steps[index + 1..].iter().all(|step| step.calls().is_empty());
            let result = self.repeat(step, is_last);
            let label = format!("step {}: ", index + 1);
            let label = if scenario.steps.len() == 1 { "" } else { &label };
            self.all.extend(label, std::mem::take(&mut self.step));
            result?;
        }
        let limit = if scenario.wire.is_some() { CLOSING } else { CLOSING_UNCOUNTED };
        let stats = self.tap.take().map(|tap| tap.finish(limit));
        if let (Some(wire), Some(stats)) = (&scenario.wire, stats) {
            self.all.mismatches.extend(wire.mismatches(&stats, self.variant));
        }
        Ok(())
    }

    /// A tap in front of the server, at an address of the same kind.
    fn start_tap(&self, counts: bool, recorder: &Recorder) -> Result<Tap, Finding> {
        let server = self.server_address()?;
        let mut more_attempts = 1..TAP_ATTEMPTS;
        loop {
            let port = match self.dedicated {
                // The tap stops and starts again with the server.
                Some(_) => addresses::lasting_port,
                None => addresses::fresh_port,
            };
            let address = self.server.config.address(port, self.context);
            let address = address.map_err(Finding::SetUpError)?;
            match Tap::start(&address, server.clone(), recorder.clone(), counts) {
                // Another process has taken the port in between.
                Err(error)
                    if error.kind() == ErrorKind::AddrInUse && more_attempts.next().is_some() => {}
                tap => return tap.map_err(|error| tap_failed(&error)),
            }
        }
    }

    /// Does a step as many times as it says, until the outcome is not the expected one.
    fn repeat(&mut self, step: &Step, is_last: bool) -> Result<(), Finding> {
        let times = step.repeat.unwrap_or(1);
        for time in 1..=times {
            let keep_channels = step.keep_channels.unwrap_or(true) && !(is_last && time == times);
            thread::sleep(Duration::from_millis(step.pause_ms));
            let before = self.requests.len();
            self.measure_memory(step, keep_channels)?;
            if !self.step.mismatches.is_empty() {
                if step.repeat.is_some() {
                    for mismatch in &mut self.step.mismatches {
                        mismatch.what = format!("time {time}: {}", mismatch.what);
                    }
                }
                break;
            }
            // The requests are the same each time, so only those of the first time are shown, and
            // those of a failure.
            if time > 1 {
                self.requests.truncate(before);
            }
        }
        Ok(())
    }

    /// Does a step, and compares the growth of the server's memory with the limit if there is one.
    fn measure_memory(&mut self, step: &Step, keep_channels: bool) -> Result<(), Finding> {
        let running = self.dedicated.as_ref().and_then(|server| server.running.as_ref());
        let pid = running.map(|server| server.process.pid());
        let (Some(ServerMemory { grows_by_at_most_mib: most }), Some(pid)) =
            (step.server_memory, pid)
        else {
            return self.attempt(step, keep_channels);
        };
        let (result, growth) =
            group::memory_growth_during(pid, || self.attempt(step, keep_channels));
        result?;
        let growth = growth.ok_or_else(|| {
            let why = "the memory of a process is read from /proc, which this system does not have";
            Finding::NotSupported(why.to_owned())
        })?;
        if growth > most {
            let expected = format!("grows by {most} MiB at most");
            let observed = format!("grows by {growth:.0} MiB");
            self.step.mismatches.push(Mismatch::new("server memory", expected, observed));
        }
        Ok(())
    }

    /// Makes the calls of a step, again and again if they are to succeed eventually. What happens to the server
    /// does so during the first attempt, whether its calls have ended by then or not.
    fn attempt(&mut self, step: &Step, keep_channels: bool) -> Result<(), Finding> {
        self.step = Comparison::default();
        let mut action = step.server;
        if step.calls().is_empty() {
            return act(&mut self.dedicated, &mut self.tap, action);
        }
        let until = Instant::now() + Duration::from_millis(step.eventually_ms.unwrap_or(0));
        loop {
            let trial = unique_name();
            let request = self.request(step, keep_channels, &trial)?;
            self.requests.push(agent::shown(&request));
            let Self { context, agent, dedicated, tap, .. } = self;
            let mut acted = Ok(());
            let outcomes = agent.perform(&request, context, || {
                if action.is_some() {
                    thread::sleep(Duration::from_millis(step.after_ms));
                    acted = act(dedicated, tap, action.take());
                }
            });
            acted?;
            self.step = step.compare(&outcomes?, &trial);
            if self.step.mismatches.is_empty() || Instant::now() >= until {
                return Ok(());
            }
            thread::sleep(BETWEEN_ATTEMPTS);
        }
    }

    fn request(&self, step: &Step, keep_channels: bool, trial: &str) -> Result<Request, Finding> {
        let context = self.context;
        let request = step.request(self.variant, trial).map_err(Finding::SetUpError)?;
        let tls = step.leader().and_then(|call| call.tls.as_ref());
        let tls = context.certificates.client(self.variant.transport, tls);
        if tls.is_some() {
            context.certificates.make().map_err(Finding::SetUpError)?;
        }
        let address = match (step.target(), &self.tap) {
            (Target::Server, Some(tap)) => tap.address(),
            (Target::Server, None) => self.server_address()?,
            (Target::ClosedPort, _) => context.addresses.closed.clone(),
            (Target::SilentPort, _) => context.addresses.silent.clone(),
        };
        Ok(Request { address, keep_channels, tls, ..request })
    }

    fn server_address(&self) -> Result<String, Finding> {
        match &self.dedicated {
            Some(server) => Ok(server.address.clone()),
            None => self.server.address(self.context).map_err(Finding::SetUpError),
        }
    }
}

/// Kills or starts the server. While it is not running, the tap refuses connections as well.
fn act(
    server: &mut Option<DedicatedServer<'_>>,
    tap: &mut Option<Tap>,
    action: Option<ServerAction>,
) -> Result<(), Finding> {
    let (Some(action), Some(server), Some(tap)) = (action, server, tap) else { return Ok(()) };
    tap.stop_listening();
    server.act(action)?;
    if server.running.is_none() {
        return Ok(());
    }
    tap.resume_listening().map_err(|error| tap_failed(&error))
}

fn tap_failed(error: &io::Error) -> Finding {
    Finding::SetUpError(format!("the tap: {error}"))
}

/// A name that no other attempt of any trial has, also of other runs with the same server.
fn unique_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The servers of one peer and the agents of another, which all their cases share.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) servers: Arc<ServerPool>,
    pub(crate) agents: Arc<AgentPool>,
    pub(crate) context: Arc<RunContext>,
}

/// A server that one case uses alone, because it is killed or measured.
///
/// It is always started at the same address, where its clients expect it.
pub(crate) struct DedicatedServer<'a> {
    shared: &'a SharedServer,
    context: &'a RunContext,
    pub(crate) address: String,
    /// `None` while it is not running.
    pub(crate) running: Option<RunningServer>,
}

impl<'a> DedicatedServer<'a> {
    /// Starts a server of the same program and configuration as `shared`.
    pub(crate) fn start(
        shared: &'a SharedServer,
        context: &'a RunContext,
    ) -> Result<Self, Finding> {
        let address = shared.config.address(addresses::lasting_port, context);
        let address = address.map_err(Finding::SetUpError)?;
        let mut server = Self { shared, context, address, running: None };
        server.act(ServerAction::Start)?;
        Ok(server)
    }

    /// Kills it or starts it.
    pub(crate) fn act(&mut self, action: ServerAction) -> Result<(), Finding> {
        // The old process ends first: it may still have the port.
        self.running = None;
        if action == ServerAction::Start {
            let started = self.shared.start(&self.address, self.context);
            self.running = Some(started.map_err(Finding::SetUpError)?);
        }
        Ok(())
    }
}
