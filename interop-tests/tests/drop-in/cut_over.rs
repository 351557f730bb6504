//! The Rust server takes the port over from the document's Python server while clients go on calling.
//!
//! Only calls that the Python server has begun may fail, because `server.stop(0)` cancels them, and
//! those whose connection waits to be accepted by it: not more than one call and one reconnect for
//! each caller. Nobody gets a wrong answer, and a client that retries hardly ever notices.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStdin, Command};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use rustix::process::Signal;
use serde::Deserialize;

use crate::python::Python;
use crate::support::LIMIT;
use crate::support::Process;
use crate::support::Server;
use grpc_interop::process::net::tutorial_port::{Holder, holders};

const PORT: u16 = 50051;

/// The document's server knows no other port, so there is one cut-over at a time.
static PORT_IN_USE: Mutex<()> = Mutex::new(());

const KEPT: usize = 8;
const FRESH: usize = 4;

/// How long the Python server may take to end after Ctrl-C. Under load it sometimes waits for ever
/// for a thread of its own; a person then presses Ctrl-C again.
const PATIENCE: Duration = Duration::from_secs(2);

/// What happens one after the other; a call belongs to the phase in which it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    /// The Python server has the port to itself.
    Python,
    /// Both have it.
    Both,
    /// The Python server is told to stop and ends.
    Stop,
    /// The Python server has gone; a client that has not read so yet sends it one more call.
    Gone,
    /// Every client has been answered by the Rust server.
    Rust,
}

/// Calls with the same fate, a line of what `python/interop/load.py` reports.
#[derive(Debug, Deserialize)]
struct Fate {
    began: Phase,
    ended: Phase,
    kind: String,
    outcome: String,
    calls: usize,
}

/// `python -m interop.load`, running.
struct Load {
    process: Process,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Load {
    fn start(python: &Python, arguments: &[&str]) -> Self {
        let mut command = python.command();
        command.args(["-m", "interop.load", "--address", &format!("localhost:{PORT}")]);
        command.args(["--kept", &KEPT.to_string(), "--fresh", &FRESH.to_string()]);
        let (process, stdin, lines) = Process::start_talking(command.args(arguments));
        Self { process, stdin, lines }
    }

    /// Begins a phase and returns when each caller has been answered in it many times.
    fn answers_in(&mut self, phase: Phase) {
        let line = format!("{phase:?}").to_lowercase();
        writeln!(self.stdin, "{line}").expect("the load runs");
        let answered = self.lines.recv_timeout(LIMIT).ok();
        assert_eq!(answered, Some(line), "on stderr: {}", self.process.stderr());
    }

    fn stop(self) -> Report {
        let Self { mut process, stdin, lines } = self;
        drop(stdin);
        let report = lines.recv_timeout(LIMIT).expect("a report");
        let status = process.ended_within(LIMIT);
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
        Report(serde_json::from_str(&report).expect("the load reports JSON"))
    }
}

/// What became of all calls.
struct Report(Vec<Fate>);

impl Report {
    fn count(&self, which: impl Fn(&Fate) -> bool) -> usize {
        self.0.iter().filter(|fate| which(fate)).map(|fate| fate.calls).sum()
    }

    fn failed(&self) -> usize {
        self.count(|fate| fate.outcome != "OK")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut begun: BTreeMap<Phase, usize> = BTreeMap::new();
        for fate in &self.0 {
            *begun.entry(fate.began).or_default() += fate.calls;
        }
        write!(f, "{} calls, {} failed; by phase: {begun:?}", self.count(|_| true), self.failed())?;
        for failed in self.0.iter().filter(|fate| fate.outcome != "OK") {
            let Fate { began, ended, kind, outcome, calls } = failed;
            write!(f, "\n  {calls} on {kind} channels, {began:?} to {ended:?}: {outcome}")?;
        }
        Ok(())
    }
}

fn holder_ids() -> Vec<Option<u32>> {
    let id = |holder| match holder {
        Holder::Process(pid, _) => u32::try_from(pid).ok(),
        Holder::Unknown => None,
    };
    holders(PORT).into_iter().map(id).collect()
}

/// The document's server, once it listens; nobody else does.
fn python_server(python: &Python) -> Process {
    let taken = holders(PORT);
    assert!(taken.is_empty(), "port {PORT} is needed, but taken by {}: stop it", taken[0]);
    // A shell gives a program in the background no Ctrl-C, and Python then heeds none.
    let run = "import runpy, signal\n\
        signal.signal(signal.SIGINT, signal.default_int_handler)\n\
        runpy.run_path('server.py', run_name='__main__')";
    let mut command = python.command();
    let mut server = Process::start(command.args(["-c", run]).stdout(std::process::Stdio::null()));
    let deadline = Instant::now() + LIMIT;
    while holder_ids() != [Some(server.id())] {
        let ended = server.ended_within(Duration::from_millis(5));
        assert!(ended.is_none(), "server.py has ended: {}", server.stderr());
        assert!(
            Instant::now() < deadline,
            "not the only holder of port {PORT}: {:?}",
            holders(PORT)
        );
    }
    server
}

/// Stops the Python server as a person does, with Ctrl-C.
///
/// CPython aborts if a daemon thread writes to stderr while the interpreter ends
/// (<https://github.com/python/cpython/issues/129536>). grpcio's thread sometimes does so after the second
/// Ctrl-C. The server has ended all the same.
fn stop(mut server: Process) {
    server.send(Signal::INT);
    let mut status = server.ended_within(PATIENCE);
    if status.is_none() {
        server.send(Signal::INT);
        status = server.ended_within(LIMIT);
    }
    let (status, stderr) = (status.expect("server.py ends"), server.stderr());
    let has_aborted =
        status.signal() == Some(Signal::ABORT.as_raw()) && stderr.contains("_enter_buffered_busy");
    assert!(status.success() || has_aborted, "{status}: {stderr}");
}

/// Does it, prints what was counted and checks what holds for every client.
fn cut_over(test: &str, arguments: &[&str]) -> Option<Report> {
    let python = Python::find()?;
    let _port = PORT_IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let old = python_server(&python);
    let mut load = Load::start(&python, arguments);
    load.answers_in(Phase::Python);
    let mut command = Command::new(cargo_bin!("calculator-server"));
    command.args(["--reuse-port", "--address", &format!("[::]:{PORT}")]);
    let new = Server::ready(&mut command);
    load.answers_in(Phase::Both);
    load.answers_in(Phase::Stop);
    stop(old);
    assert_eq!(holder_ids(), [Some(new.process.id())]);
    load.answers_in(Phase::Gone);
    load.answers_in(Phase::Rust);
    let report = load.stop();
    // Not eprintln, which the test runner keeps to itself while a test passes.
    let _ = writeln!(io::stderr(), "{test}: {report}");

    let wrong = report.count(|fate| fate.outcome.starts_with("wrong answer"));
    assert_eq!(wrong, 0, "{report}");
    let failed_elsewhere = report.count(|fate| {
        fate.outcome != "OK" && (fate.ended < Phase::Stop || fate.began == Phase::Rust)
    });
    assert_eq!(failed_elsewhere, 0, "{report}");
    Some(report)
}

#[test]
fn a_cut_over_costs_the_calls_that_the_old_server_has_begun_at_most() {
    let Some(report) = cut_over("cut-over", &[]) else { return };
    let at_stop = report.count(|fate| {
        let status = fate.outcome.split(':').next();
        matches!(status, Some("UNAVAILABLE" | "CANCELLED"))
    });
    assert_eq!(report.failed(), at_stop, "{report}");
    assert!(at_stop <= 2 * (KEPT + FRESH), "{report}");
}

#[test]
fn a_cut_over_costs_a_client_that_retries_next_to_nothing() {
    let Some(report) = cut_over("cut-over with retries", &["--retry"]) else { return };
    // In one of 73 cut-overs a single call failed after some ten seconds; why is not known.
    assert!(report.failed() <= 1, "{report}");
}
