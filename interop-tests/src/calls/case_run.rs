//! Runs one scenario with one transport and compression: an agent makes its calls through a tap.
//!
//! Every run has a tap, so that a failure can show the frames.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use grpc_interop_protocol::{CallOutcome, Request};

use crate::calls::scenario::step::{ServerAction, ServerMemory, Step};
use crate::calls::{expectation::comparison::Comparison, scenario::Scenario};
use crate::capture::{recorder::Recorder, tap::Tap};
use crate::config::{IgnoredMetadata, Target, Variant};
use crate::outcome::{Evidence, Finding, Mismatch, Report};
use crate::process::{
    AgentPool, BorrowedAgent, RunContext, RunningServer, ServerConfig, ServerPool, SharedProxy,
    SharedServer, agent, group, net::addresses,
};

/// The pause between two attempts of a step with `eventually_ms`.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// How many ports to try for a tap.
const TAP_ATTEMPTS: usize = 10;

/// The note in a trace without the calls to other addresses.
const NOT_TAPPED: &str = "calls to a closed or silent port are not recorded, because there is no tap \
                          between the client and that port";

/// How long a client may take to close its connections after its calls, if the scenario counts frames.
const CLOSING: Duration = Duration::from_secs(2);

/// The same limit if the frames are only recorded.
const CLOSING_UNCOUNTED: Duration = Duration::from_millis(100);

/// Runs `scenario` with this transport and compression, and compares its outcome with the expectation.
pub(crate) fn run(session: &Session, scenario: &Scenario, variant: Variant) -> Report {
    let Session { servers, agents, proxy, ignored, context } = session;
    let config = ServerConfig::new(variant, scenario.server);
    let server = servers.server(config);
    let mut evidence = Evidence {
        about: scenario.about.clone(),
        server_command: server.command(context),
        client_command: agents.program.shown(&context.places, ""),
        logs: server.logs.paths().to_vec(),
        ..Evidence::default()
    };
    evidence.logs.extend(proxy.iter().flat_map(|proxy| proxy.logs.paths()));
    let capabilities = scenario.capabilities(variant);
    let unsupported = servers.not_supported(&config, &capabilities, scenario.needs_own_server());
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
        proxy: proxy.as_deref(),
        ignored,
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
    let proxy_exit = proxy.as_ref().and_then(|proxy| Some((&proxy.proxy.id, proxy.has_exited()?)));
    evidence.proxy_command = proxy.as_ref().and_then(|proxy| proxy.command(context));
    // Released only now: the next case of this agent could start the server again.
    drop((run, permit));
    let finding = match (exit, proxy_exit) {
        (Some(how), _) => Finding::Broken(format!("the server exited during this case, {how}")),
        (None, Some((id, how))) => {
            Finding::Broken(format!("the proxy {id} exited during this case, {how}"))
        }
        (None, None) => finding,
    };
    Report { finding, evidence }
}

/// A scenario while it runs.
struct CaseRun<'a> {
    context: &'a RunContext,
    variant: Variant,
    /// The server that cases share.
    server: &'a SharedServer,
    /// The proxy between the tap and the server.
    proxy: Option<&'a SharedProxy>,
    /// The metadata of responses that is not compared.
    ignored: &'a IgnoredMetadata,
    agent: BorrowedAgent<'a>,
    /// The server of this case alone, if it needs one.
    dedicated: Option<DedicatedServer<'a>>,
    tap: Option<Tap>,
    /// The requests to the agent, shortened.
    requests: Vec<String>,
    /// The outcome of the last attempt of the current step.
    step: Comparison,
    /// The outcomes of all steps before the current one.
    all: Comparison,
}

impl CaseRun<'_> {
    /// Runs all steps and adds their outcomes to `all`, even if the case ends early.
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

    /// Starts a tap in front of the server, at an address of the same kind.
    fn start_tap(&self, counts: bool, recorder: &Recorder) -> Result<Tap, Finding> {
        let server = self.server_address()?;
        let mut more_attempts = 1..TAP_ATTEMPTS;
        loop {
            let port = match self.dedicated {
                // The tap stops listening and listens again together with the server.
                Some(_) => addresses::lasting_port,
                None => addresses::passing_port,
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

    /// Runs a step `repeat` times, until an outcome differs from the expected one.
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
            // The requests are the same each time, so only the first ones and those of a failure are
            // kept.
            if time > 1 {
                self.requests.truncate(before);
            }
        }
        Ok(())
    }

    /// Runs a step, and compares the growth of the server's memory with the limit of the step.
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
            let why = "memory is measured only on Linux, because it is read from /proc";
            Finding::NotSupported(why.to_owned())
        })?;
        if growth > most {
            let expected = format!("grows by at most {most} MiB");
            let observed = format!("grows by {growth:.0} MiB");
            self.step.mismatches.push(Mismatch::new("server memory", expected, observed));
        }
        Ok(())
    }

    /// Makes the calls of a step, and repeats them until `eventually_ms` if they do not end as expected. The server
    /// action of the step happens during the first attempt, even if its calls have already ended.
    fn attempt(&mut self, step: &Step, keep_channels: bool) -> Result<(), Finding> {
        self.step = Comparison::default();
        let mut action = step.server;
        if step.calls().is_empty() {
            act(&mut self.dedicated, &mut self.tap, action)?;
            return self.replace_killed_server();
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
            self.replace_killed_server()?;
            self.step = step.compare(&self.without_ignored(outcomes?), &trial);
            if self.step.mismatches.is_empty() || Instant::now() >= until {
                return Ok(());
            }
            thread::sleep(BETWEEN_ATTEMPTS);
        }
    }

    fn replace_killed_server(&mut self) -> Result<(), Finding> {
        self.dedicated.as_mut().map_or(Ok(()), DedicatedServer::ensure_running)
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

    /// The address at which the tap reaches the server: that of the proxy, if there is one.
    fn server_address(&self) -> Result<String, Finding> {
        if let Some(server) = &self.dedicated {
            return Ok(server.address.clone());
        }
        let address = self.server.address(self.context).map_err(Finding::SetUpError)?;
        match self.proxy {
            Some(proxy) => proxy.address(&address, self.context).map_err(Finding::SetUpError),
            None => Ok(address),
        }
    }

    /// `outcomes` without the metadata that is not compared.
    fn without_ignored(&self, mut outcomes: Vec<CallOutcome>) -> Vec<CallOutcome> {
        for outcome in &mut outcomes {
            let CallOutcome { initial_metadata, trailing_metadata, .. } = outcome;
            for metadata in [initial_metadata, trailing_metadata] {
                metadata.retain(|(name, _)| !self.ignored.has(name));
            }
        }
        outcomes
    }
}

/// Kills the server, or lets clients connect to the one that replaced it. In between, the tap refuses connections.
///
/// A client tries to connect at growing intervals. They must not depend on how long a server takes to start, so the
/// tap decides when clients can connect again, not the process.
fn act(
    server: &mut Option<DedicatedServer<'_>>,
    tap: &mut Option<Tap>,
    action: Option<ServerAction>,
) -> Result<(), Finding> {
    let (Some(action), Some(server), Some(tap)) = (action, server, tap) else { return Ok(()) };
    match action {
        ServerAction::Kill => {
            tap.stop_listening();
            server.running = None;
            Ok(())
        }
        ServerAction::Start => tap.resume_listening().map_err(|error| tap_failed(&error)),
    }
}

fn tap_failed(error: &io::Error) -> Finding {
    Finding::SetUpError(format!("the tap between client and server did not start: {error}"))
}

/// A name that is unique among all attempts of all trials, including those of other runs with the same server.
fn unique_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The servers of one peer and the agents of another, shared by all their cases.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) servers: Arc<ServerPool>,
    pub(crate) agents: Arc<AgentPool>,
    /// The proxy in front of the servers, if there is one.
    pub(crate) proxy: Option<Arc<SharedProxy>>,
    /// The metadata of responses that is not compared.
    pub(crate) ignored: Arc<IgnoredMetadata>,
    pub(crate) context: Arc<RunContext>,
}

/// A server of one case alone, because the case kills it or measures its memory.
///
/// Its replacement listens at the same address, because the tap connects there.
struct DedicatedServer<'a> {
    shared: &'a SharedServer,
    context: &'a RunContext,
    pub(crate) address: String,
    /// `None` between its end and the start of its replacement.
    pub(crate) running: Option<RunningServer>,
}

impl<'a> DedicatedServer<'a> {
    /// Starts a server of the same program and configuration as `shared`.
    fn start(shared: &'a SharedServer, context: &'a RunContext) -> Result<Self, Finding> {
        let address = shared.config.address(addresses::lasting_port, context);
        let address = address.map_err(Finding::SetUpError)?;
        let mut server = Self { shared, context, address, running: None };
        server.ensure_running()?;
        Ok(server)
    }

    /// Starts the server if it was killed.
    fn ensure_running(&mut self) -> Result<(), Finding> {
        if self.running.is_none() {
            let started = self.shared.start(&self.address, self.context);
            self.running = Some(started.map_err(Finding::SetUpError)?);
        }
        Ok(())
    }
}
