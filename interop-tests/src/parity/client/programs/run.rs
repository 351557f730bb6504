//! A client program while it runs, from its start to its end.
//!
//! A program keeps a processor busy until it has connected, and again while it ends. So it holds a permit only
//! until it waits.

use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::config::program::Program;
use crate::http2::activity::Quiescence;
use crate::outcome::finding::Finding;
use crate::parity::baseline::reference::CaseRun;
use crate::parity::client::outcome::Side;
use crate::parity::client::programs::case::ProgramCase;
use crate::parity::client::programs::exit::ProgramExit;
use crate::parity::client::programs::port_demultiplexer::RoutedProgram;
use crate::process::child::{Exit, Logs};
use crate::process::context::RunContext;
use crate::process::semaphore::Permit;

/// How often the activity of a program is checked.
const INTERVAL: Duration = Duration::from_millis(50);

/// After so many checks without activity a program does not keep a processor busy.
const IDLE_CHECKS: u32 = 2;

/// After so many checks without activity a program waits for ever. That is longer than grpcio pauses before it
/// connects again for the first time, which is up to 1.2 seconds.
const WAITING_CHECKS: u32 = 30;

/// How long a program may take until it ends, or waits.
const LIMIT: Duration = Duration::from_secs(10);

/// Runs `program` with the behaviour of `case`; `recorder` records its connections.
pub(crate) fn run(
    case: &ProgramCase,
    program: &Program,
    logs: &Logs,
    context: &RunContext,
    recorder: &Recorder,
) -> Result<CaseRun, Finding> {
    let command_line = program
        .command_line(&context.places, "")
        .map_err(|error| Finding::SetUpError(format!("the client cannot be run: {error}")))?;
    for log in [&logs.stdout, &logs.stderr] {
        // What is read later must be of this run alone. Mostly there is nothing to remove.
        let _ = std::fs::remove_file(log);
    }
    let admission = case
        .port
        .admit(&case.behaviour, context, recorder)
        .map_err(|error| Finding::SetUpError(format!("no scripted server: {error}")))?;
    let permit = context.busy_permits.acquire();
    let began = Instant::now();
    let mut routed = admission
        .start(&command_line, logs.clone())
        .map_err(|error| Finding::SetUpError(format!("the client cannot be run: {error}")))?;
    let mut stdout = String::new();
    let exit = wait(&mut routed, permit, &mut stdout)?;
    let (requests, sent) = routed.finish();
    let stderr = std::fs::read(&logs.stderr).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    let exit = ProgramExit { exit, stdout, stderr };
    let observation = |side| exit.observation(&case.behaviour, &requests, side);
    Ok(CaseRun {
        observed: observation(Side::Observed),
        masked: observation(Side::Expected),
        sent,
        began,
    })
}

/// Waits until a program has ended, or waits itself; all that it prints is added to `stdout`.
fn wait(
    routed: &mut RoutedProgram<'_>,
    permit: Permit<'_>,
    stdout: &mut String,
) -> Result<Option<Exit>, Finding> {
    let mut permit = Some(permit);
    let mut quiescence = Quiescence::of(routed.server.activity());
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(exit) = routed.process.wait(INTERVAL, stdout) {
            return Ok(Some(exit));
        }
        if !routed.server.has_been_found() {
            continue;
        }
        let checks = quiescence.check();
        if checks >= WAITING_CHECKS {
            return Ok(None);
        }
        if checks >= IDLE_CHECKS {
            permit = None;
        }
    }
    drop(permit);
    let done = if routed.server.has_been_found() { "come to an end" } else { "connected" };
    Err(Finding::Broken(format!("the client program has not {done} after {LIMIT:?}")))
}
