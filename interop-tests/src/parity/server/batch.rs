//! Sends the probes that trials need to a server, all together.
//!
//! Each probe has a trial of its own. But a server may exit, and only who has sent all probes can find out which of them
//! caused it. So the first trial that runs sends the probes of all.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::capture::recorder::Recorder;
use crate::config::IgnoredMetadata;
use crate::outcome::{Finding, Need, Needed, PortUser};
use crate::parity::baseline::{CaseRun, RunResult, Subject};
use crate::probe::direct;
use crate::probe::engine::{self, Engine, Next, Round};
use crate::probe::exchange::{Exchange, PROBES_AT_ONCE, exchange};
use crate::probe::lines;
use crate::probe::quiescence::ProbeError;
use crate::probe::table::Probe;
use crate::probe::target::{Server, Target};
use crate::process::{Logs, RunContext};

/// A server of the calculator.
pub(crate) trait ProbedServer: fmt::Debug + Send + Sync + 'static {
    /// The address of the server. Starts the server if it is not running. The error is why it does not run.
    fn address(&self, context: &RunContext) -> Result<String, String>;

    /// How the server exited, if it has.
    fn exit(&self) -> Option<String>;

    /// The finding if a probe has no observation.
    fn finding(error: &ProbeError) -> Finding;

    /// Its place in the queue for port 50051, if it needs the port.
    const PORT_USER: Option<PortUser> = None;

    /// Whether probes can be sent to it. The error is the finding if not.
    fn prepare(&self, _context: &RunContext) -> Result<(), Finding> {
        Ok(())
    }

    /// The command line that starts it.
    fn command(&self, context: &RunContext) -> Option<String>;

    /// Its log files.
    fn logs(&self) -> &Logs;

    /// Whether the user started it (`--attach`).
    fn is_attached(&self) -> bool {
        false
    }
}

/// A server, and what it did in response to probes.
#[derive(Debug)]
pub(crate) struct Batch<S> {
    server: S,
    ignored: Arc<IgnoredMetadata>,
    needed: Needed<Arc<Probe>>,
    /// The results that no trial has taken, by the names of the probes.
    results: Mutex<BTreeMap<String, Observed>>,
}

/// What a server did in response to a probe.
#[derive(Debug)]
struct Observed {
    result: RunResult,
    recorder: Recorder,
    is_refused: bool,
    is_interrupted: bool,
}

impl Observed {
    fn of(result: RunResult) -> Self {
        Self { result, recorder: Recorder::default(), is_refused: false, is_interrupted: false }
    }
}

impl engine::Observed for Observed {
    fn failed(why: String) -> Self {
        Self::of(Err(Finding::Broken(why)))
    }

    fn exited(how: &str) -> Self {
        Self::failed(format!("the server exited during this probe, {how}"))
    }

    fn is_refused(&self) -> bool {
        self.is_refused
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted
    }
}

impl<S: ProbedServer> Batch<S> {
    /// Sends probes to `server`. Of its responses, the metadata that is `ignored` is not compared.
    pub(crate) fn new(server: S, ignored: IgnoredMetadata) -> Self {
        let (needed, results) = (Needed::default(), Mutex::default());
        Self { server, ignored: Arc::new(ignored), needed, results }
    }

    /// Sends `probe` and all other probes that trials need.
    fn send_needed(&self, probe: &Arc<Probe>, context: &RunContext) -> BTreeMap<String, Observed> {
        let needed = self.needed.take();
        let needed = needed.iter().map(|probe| &**probe).chain([probe]);
        let probes: BTreeMap<_, _> = needed.map(|probe| (probe.name(), probe)).collect();
        let probes: Vec<_> = probes.into_values().cloned().collect();
        // Most results are for trials that run later, which would not notice a suspension.
        let results = context.suspensions.undisturbed(|| self.send(&probes, context));
        results.unwrap_or_else(|why| failed(&probes, why).collect())
    }

    /// Sends `probes`.
    fn send(&self, probes: &[Arc<Probe>], context: &RunContext) -> BTreeMap<String, Observed> {
        let mut results = BTreeMap::new();
        let mut add = |index: usize, round: Round<Observed>| {
            let observed = round.observed.into_iter().next();
            if let (Some(probe), Some(mut observed)) = (probes.get(index), observed) {
                if let Ok(run) = &mut observed.result {
                    run.duration = round.duration;
                }
                results.insert(probe.name().to_owned(), observed);
            }
            Next::Done
        };
        let mut servers = Servers { server: &self.server, ignored: &self.ignored, context };
        let sent = servers.ready().and_then(|ready| {
            let at_once = PROBES_AT_ONCE;
            Engine { servers: &mut servers, ready, at_once }.run(probes, &mut add)
        });
        if let Err(why) = sent {
            for (probe, result) in failed(probes, &why) {
                results.entry(probe).or_insert(result);
            }
        }
        results
    }
}

/// The results if `probes` cannot be sent, because of `why`.
fn failed(probes: &[Arc<Probe>], why: &str) -> impl Iterator<Item = (String, Observed)> {
    let result = move || Observed::of(Err(Finding::SetUpError(why.to_owned())));
    probes.iter().map(move |probe| (probe.name().to_owned(), result()))
}

impl<S: ProbedServer> Subject for Batch<S> {
    type Case = Probe;

    const PORT_USER: Option<PortUser> = S::PORT_USER;

    fn prepare(&self, context: &RunContext) -> Result<(), Finding> {
        self.server.prepare(context)
    }

    fn not_supported(&self, probe: &Probe) -> Option<String> {
        let why =
            direct::needs_direct_connection(probe).filter(|_| self.ignored.is_behind_proxy)?;
        Some(format!(
            "an [[ignore]] entry says that the server is behind a proxy, but the probe needs a direct connection: {why}"
        ))
    }

    fn need(&self, probe: &Arc<Probe>) -> Option<Need<Arc<Probe>>> {
        Some(self.needed.add(Arc::clone(probe)))
    }

    fn run(&self, probe: &Arc<Probe>, context: &RunContext, recorder: &mut Recorder) -> RunResult {
        let mut results = self.results.lock();
        let observed = results.remove(probe.name()).or_else(|| {
            results.extend(self.send_needed(probe, context));
            results.remove(probe.name())
        });
        let missing = "the probe has no result, which is a bug in interop";
        let observed = observed.unwrap_or_else(|| engine::Observed::failed(missing.to_owned()));
        *recorder = observed.recorder;
        observed.result
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.server.command(context)
    }

    fn logs(&self, _probe: &Probe) -> Vec<Logs> {
        vec![self.server.logs().clone()]
    }

    fn is_attached(&self) -> bool {
        self.server.is_attached()
    }
}

/// The server of a batch.
struct Servers<'a, S> {
    server: &'a S,
    ignored: &'a Arc<IgnoredMetadata>,
    context: &'a RunContext,
}

impl<S: ProbedServer> Servers<'_, S> {
    fn ready(&self) -> Result<Vec<Ready>, String> {
        let address = self.server.address(self.context)?;
        Ok(vec![Ready { address, ignored: Arc::clone(self.ignored) }])
    }
}

/// A server that is ready for probes.
struct Ready {
    address: String,
    ignored: Arc<IgnoredMetadata>,
}

impl<S: ProbedServer> engine::Servers for Servers<'_, S> {
    type Ready = Ready;
    type Observed = Observed;
    type Unavailable = String;

    fn observe(ready: &Ready, probe: &Probe) -> Observed {
        let server = Server { address: &ready.address, target: &Target::calculator() };
        let recorder = Recorder::default();
        match exchange(probe, server, &recorder) {
            Ok(exchange) => {
                let is_interrupted = exchange.endpoint.is_closed;
                let result = Ok(case_run(probe, exchange, &ready.ignored));
                Observed { result, recorder, is_refused: false, is_interrupted }
            }
            Err(error) => {
                let is_refused = matches!(error, ProbeError::Connect { .. });
                let result = Err(S::finding(&error));
                Observed { result, recorder, is_refused, is_interrupted: true }
            }
        }
    }

    fn exits(&mut self) -> Vec<Option<String>> {
        vec![self.server.exit()]
    }

    fn restart(&mut self) -> Result<Vec<Ready>, String> {
        self.ready()
    }
}

/// The outcome of `probe` after this exchange. Nothing in it depends on the run, so it is masked as it is.
fn case_run(probe: &Probe, exchange: Exchange, ignored: &IgnoredMetadata) -> CaseRun {
    let observed = lines::observation(probe, &exchange, ignored);
    let Exchange { endpoint, mut sent, .. } = exchange;
    // The GOAWAY shows why a server has closed the connection, even if it is not compared.
    sent.extend(endpoint.goaway.as_ref().map(lines::whole_goaway));
    CaseRun { masked: observed.clone(), observed, sent, duration: Duration::ZERO }
}
