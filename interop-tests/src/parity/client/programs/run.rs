//! A client program while it runs, from its start to its ending.
//!
//! It keeps a processor busy until it has connected, and again while it ends; so it takes a place at
//! the gate, and leaves it when it waits.

use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::config::program::Program;
use crate::http2::activity::Quiescence;
use crate::outcome::finding::Finding;
use crate::parity::baseline::subject::CaseRun;
use crate::parity::client::outcome::Side;
use crate::parity::client::programs::case::ProgramCase;
use crate::parity::client::programs::exit::ProgramExit;
use crate::parity::client::programs::port_demultiplexer::Routed;
use crate::process::child::{Exit, Logs};
use crate::process::context::RunContext;
use crate::process::semaphore::Permit;

/// How often is looked whether a program still waits.
const TURN: Duration = Duration::from_millis(50);

/// After so many turns in which nothing has happened a program is no load on the machine.
const CALM: u32 = 2;

/// After so many turns in which nothing has happened nothing will. That is longer than grpcio pauses
/// before it connects again for the first time, which is a second and up to a fifth.
const STILL: u32 = 30;

/// How long a program may take until it ends, or waits.
const LIMIT: Duration = Duration::from_secs(10);

/// Plays `case` to `program`; what goes over the wire is taken on `tape`.
pub(crate) fn run(
    case: &ProgramCase,
    program: &Program,
    logs: &Logs,
    context: &RunContext,
    tape: &Recorder,
) -> Result<CaseRun, Finding> {
    let command_line = program
        .command_line(&context.places, "")
        .map_err(|error| Finding::SetUpError(format!("the client cannot be run: {error}")))?;
    for log in [&logs.stdout, &logs.stderr] {
        // What is read afterwards is to be of this run alone; mostly there is nothing to remove.
        let _ = std::fs::remove_file(log);
    }
    let place = case
        .switchboard
        .place(&case.behaviour, context, tape)
        .map_err(|error| Finding::SetUpError(format!("no stage: {error}")))?;
    let pass = context.busy_permits.acquire();
    let began = Instant::now();
    let mut connected = place
        .start(&command_line, logs.clone())
        .map_err(|error| Finding::SetUpError(format!("the client cannot be run: {error}")))?;
    let mut stdout = String::new();
    let exit = end(&mut connected, pass, &mut stdout)?;
    let (sent, told) = connected.finish();
    let stderr = std::fs::read(&logs.stderr).unwrap_or_default();
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    let ending = ProgramExit { exit, stdout, stderr };
    let observation = |side| ending.observation(&case.behaviour, &sent, side);
    Ok(CaseRun {
        observed: observation(Side::Observed),
        masked: observation(Side::Expected),
        sent: told,
        began,
    })
}

/// Waits until a program has ended, or waits itself; all that it prints is added to `stdout`.
fn end(
    connected: &mut Routed<'_>,
    pass: Permit<'_>,
    stdout: &mut String,
) -> Result<Option<Exit>, Finding> {
    let mut pass = Some(pass);
    let mut stillness = Quiescence::of(connected.stage.activity());
    let limit = Instant::now() + LIMIT;
    while Instant::now() < limit {
        if let Some(exit) = connected.process.wait(TURN, stdout) {
            return Ok(Some(exit));
        }
        if !connected.stage.has_been_found() {
            continue;
        }
        let turns = stillness.check();
        if turns >= STILL {
            return Ok(None);
        }
        if turns >= CALM {
            pass = None;
        }
    }
    drop(pass);
    let done = if connected.stage.has_been_found() { "come to an end" } else { "connected" };
    Err(Finding::Broken(format!("the client program has not {done} after {LIMIT:?}")))
}
