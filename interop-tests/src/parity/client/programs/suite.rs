//! Runs a behaviour with a client program on port 50051, from its start to its exit.
//!
//! The observation contains what users and scripts depend on: the exit status, stdout, and the two lines of stderr
//! that name the error, in the format of grpcio's traceback.
//!
//! A program uses a processor until it has connected and again while it exits. So it holds a permit only until it
//! waits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::config::{Peer, Program};
use crate::http2::Quiescence;
use crate::outcome::{Finding, Grade, Mismatch, Observation, PortUser, TrialName};
use crate::parity::baseline::{Case, CaseRun, Comparison, RunResult, Side, Subject};
use crate::parity::client::programs::port_demultiplexer::{PortDemultiplexer, RoutedProgram};
use crate::parity::client::table::{Behaviour, PROGRAM_PREFIX};
use crate::parity::client::{outcome, requests, scripted_server::ScriptedServer, suite};
use crate::process::{Exit, Logs, Permit, RunContext, group};

/// How often the activity of a program is checked.
const INTERVAL: Duration = Duration::from_millis(50);

/// After this number of checks without activity, a program does not use a processor.
const IDLE_CHECKS: u32 = 2;

/// After this number of checks without activity, a program counts as waiting forever. The time is longer than
/// grpcio's first reconnect backoff, which is up to 1.2 seconds.
const WAITING_CHECKS: u32 = 30;

/// How long a program may take until it exits or waits.
const LIMIT: Duration = Duration::from_secs(10);

/// The client program of a peer. Each case starts it.
#[derive(Debug)]
pub(crate) struct ClientProgram {
    pub(crate) program: Program,
    /// The folder for the logs.
    pub(crate) folder: PathBuf,
}

impl ClientProgram {
    fn logs_of(&self, case: &ProgramCase) -> Logs {
        Logs::at(&self.folder.join(case.name()))
    }
}

impl Subject for ClientProgram {
    type Case = ProgramCase;

    const PORT_USER: Option<PortUser> = Some(PortUser::ClientPrograms);

    fn run(
        &self,
        case: &Arc<ProgramCase>,
        context: &RunContext,
        recorder: &mut Recorder,
    ) -> RunResult {
        let logs = self.logs_of(case);
        for log in logs.paths() {
            // stderr is read later and must be of this run only. Usually there is nothing to remove.
            let _ = std::fs::remove_file(log);
        }
        let _admission = case.port.admit(&case.behaviour, context).map_err(|error| {
            Finding::SetUpError(format!("cannot start the scripted server: {error}"))
        })?;
        let permit = context.busy_permits.acquire();
        let began = Instant::now();
        let server = ScriptedServer::of(&case.behaviour, recorder);
        let mut routed = case
            .port
            .start(&self.program, &context.places, logs.clone(), Arc::clone(&server))
            .map_err(|error| Finding::SetUpError(format!("cannot start the client: {error}")))?;
        let mut stdout = String::new();
        let exit = wait(&mut routed, permit, &mut stdout)?;
        // Kills the program if it is still running.
        drop(routed);
        let (requests, sent) = server.finish();
        let stderr = logs.stderr();
        let observation = |message: fn(&str) -> String| {
            let mut observation = Observation::default();
            observation.add("end", exit.map_or("waits".to_owned(), |exit| exit.to_string()));
            observation.add("stdout", format!("{stdout:?}"));
            if let Some((status, details)) = failure_in(&stderr) {
                observation.add("status", status);
                observation.add("details", message(details));
            }
            if case.behaviour.waits_for_request() {
                // Client programs set no deadline.
                requests::observe(&requests, &case.behaviour, None, &mut observation);
            }
            observation
        };
        let (observed, masked) = (observation(outcome::full), observation(outcome::masked));
        Ok(CaseRun { observed, masked, sent, duration: began.elapsed() })
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.program.shown(&context.places, "")
    }

    fn logs(&self, case: &ProgramCase) -> Vec<Logs> {
        vec![self.logs_of(case)]
    }
}

/// Waits until a program has exited, or counts as waiting forever (`None`). Adds its output to `stdout`.
fn wait(
    routed: &mut RoutedProgram<'_>,
    permit: Permit<'_>,
    stdout: &mut String,
) -> Result<Option<Exit>, Finding> {
    let mut permit = Some(permit);
    let mut quiescence = Quiescence::of(&routed.server.activity);
    let deadline = Instant::now() + LIMIT;
    let mut idle = (Instant::now(), Duration::ZERO);
    while Instant::now() < deadline {
        if let Some(exit) = routed.process.wait(INTERVAL, stdout) {
            return Ok(Some(exit));
        }
        if !routed.server.has_connection() {
            continue;
        }
        let checks = quiescence.check();
        if checks == IDLE_CHECKS || checks >= WAITING_CHECKS {
            let (since, before) = idle;
            let demand = group::processor_demand(routed.process.pid());
            idle = (Instant::now(), demand);
            // Most of the time it has used a processor, or waited for one on a busy machine: it is still reading
            // what the kernel has already received.
            let works = demand.saturating_sub(before) * 2 > since.elapsed();
            if checks >= WAITING_CHECKS && !works {
                return Ok(None);
            }
        }
        if checks >= WAITING_CHECKS {
            quiescence = Quiescence::of(&routed.server.activity);
        }
        if checks >= IDLE_CHECKS {
            permit = None;
        }
    }
    drop(permit);
    let what = if routed.server.has_connection() { "exit or become idle" } else { "connect" };
    Err(Finding::Broken(format!("the client program did not {what} within {LIMIT:?}")))
}

const STATUS: &str = "RPC that terminated with:\n\tstatus = StatusCode.";
const DETAILS: &str = "\n\tdetails = \"";

/// The text after the details: grpcio's debug text, or the end.
const DEBUG: &str = "\"\n\tdebug_error_string = \"";
const END: &str = "\"\n>";

/// The status and the details of a failed call in grpcio's traceback. Details may contain quotes and line breaks.
fn failure_in(stderr: &str) -> Option<(&str, &str)> {
    let (_, rest) = stderr.split_once(STATUS)?;
    let (status, rest) = rest.split_once(DETAILS)?;
    let (details, _) = rest.split_once(DEBUG).or_else(|| rest.rsplit_once(END))?;
    Some((status, details))
}

/// A behaviour in which client programs run.
#[derive(Debug)]
pub(crate) struct ProgramCase {
    name: String,
    pub(crate) behaviour: Arc<Behaviour>,
    pub(crate) port: Arc<PortDemultiplexer>,
}

impl ProgramCase {
    /// The cases of all `behaviours` in which programs run. They share port 50051.
    pub(crate) fn all(behaviours: &[Arc<Behaviour>]) -> Vec<Self> {
        let port = Arc::new(PortDemultiplexer::default());
        let is_run = |behaviour: &&Arc<Behaviour>| {
            behaviour.call.is_the_programs()
                && behaviour.programs.as_ref().is_none_or(|special| special.run)
        };
        let case = |behaviour: &Arc<Behaviour>| Self {
            name: format!("{PROGRAM_PREFIX}{}", behaviour.name()),
            behaviour: Arc::clone(behaviour),
            port: Arc::clone(&port),
        };
        behaviours.iter().filter(is_run).map(case).collect()
    }
}

impl Case for ProgramCase {
    fn name(&self) -> &str {
        &self.name
    }

    fn also(&self) -> &[Observation] {
        self.behaviour.programs.as_ref().map_or(&[], |special| &special.also)
    }

    fn description(&self) -> String {
        let special = self.behaviour.programs.iter();
        let why = special.map(|special| format!("different for client programs: {}", special.why));
        let about = self.behaviour.description();
        std::iter::once(about).chain(why).collect::<Vec<_>>().join("\n")
    }

    fn grade(&self) -> Grade {
        self.behaviour.grade()
    }

    fn contradictions(&self, observation: &Observation) -> Vec<Mismatch> {
        self.behaviour.contradictions(observation)
    }

    fn has_expectation(&self) -> bool {
        self.behaviour.has_expectation()
    }
}

/// The definition of the comparison of client programs.
#[derive(Debug)]
pub(crate) struct ClientPrograms;

impl Comparison for ClientPrograms {
    const SUITE: &'static str = suite::SUITE;
    const GOLDENS: &'static str = "client-programs";
    /// More than processors, because programs release their permit while they wait.
    const RECORDED_AT_ONCE: usize = 16;
    const SIDE: Side = Side::Client;
    const COMPARES_REFERENCE: bool = false;

    type Case = ProgramCase;
    type Subject = ClientProgram;
    type Reference = ClientProgram;

    fn subject(peer: &Peer, folder: &Path) -> Option<ClientProgram> {
        Self::reference(peer, folder)
    }

    fn reference(peer: &Peer, folder: &Path) -> Option<ClientProgram> {
        let program = peer.client_program.clone()?;
        Some(ClientProgram { program, folder: folder.to_owned() })
    }
}

/// Whether `trial` runs a client program.
pub(crate) fn is_of(trial: &TrialName) -> bool {
    trial.suite == suite::SUITE && trial.case.starts_with(PROGRAM_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_details_are_those_of_the_traceback() {
        let begin = "Traceback (most recent call last):\n  ...\ngrpc._channel._InactiveRpcError: \
                     <_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.";
        let grpcio = format!(
            "{begin}INTERNAL\n\tdetails = \"a \"b\"\n\"c\"\n\tdebug_error_string = \"x\"\n>\n"
        );
        assert_eq!(failure_in(&grpcio), Some(("INTERNAL", "a \"b\"\n\"c")));
        let short = format!("{begin}CANCELLED\n\tdetails = \"\"\n>\n");
        assert_eq!(failure_in(&short), Some(("CANCELLED", "")));
    }

    #[test]
    fn other_texts_have_no_failure() {
        for text in
            ["", "status = StatusCode.OK", "RPC that terminated with:\n\tstatus = StatusCode.OK\n"]
        {
            assert_eq!(failure_in(text), None, "{text}");
        }
    }
}
