//! No process outlives a run: not after its end, after Ctrl-C, or after a panic.
//!
//! Every mutant writes its process ID to its log, where the tests find it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ExitCode, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use crate::mutants::PORT;
use crate::programs;
use crate::run;
use crate::run::MUTANTS;
use crate::run::Run;
use grpc_interop::config::Peers;
use grpc_interop::process::{Logs, RunningServer};

/// The first argument that makes this program panic beside a server that it has started.
pub(crate) const PANIC: &str = "panic-beside-a-server";

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("orphans/none-after-a-run", none_after_a_run),
        ("orphans/none-after-ctrl-c", none_after_ctrl_c),
        ("orphans/none-after-sigterm", none_after_sigterm),
        ("orphans/none-after-a-panic", none_after_a_panic),
    ])
}

/// The process IDs in all logs below `folder`.
pub(crate) fn logged_pids(folder: &Path) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .flat_map(|entry| {
            if entry.path().is_dir() {
                return logged_pids(&entry.path());
            }
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let ids = text.lines().filter_map(|line| line.strip_prefix("pid ")?.parse().ok());
            ids.filter_map(Pid::from_raw).collect()
        })
        .collect()
}

pub(crate) fn all_gone(pids: &[Pid]) -> bool {
    pids.iter().all(|pid| test_kill_process(*pid).is_err())
}

#[track_caller]
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

fn none_after_a_run() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    // Those that hang or take their time would need more than a test may take.
    let run = Run::of_mutants("root-of-16").with("--skip", "hangs").with("--skip", "tells-late");
    let ran = run.finish();
    ran.assert(ran.status.is_some(), "the run ends by itself");
    let pids = logged_pids(ran.folder.path());
    ran.assert(pids.len() > 10, "the mutants write their process IDs");
    wait_until("all are gone", || all_gone(&pids));
}

/// A run in the middle of which a server, an agent and the agent's own child are alive.
fn hanging_run() -> (Run, Child, Vec<Pid>) {
    let run = Run::of_mutants("calls/one-wrong-answer/hangs/root-of-16");
    let mut command = run.command();
    // Only the tool gets the signal, as when its terminal's group does not hold the peers.
    let child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.expect("the tool");
    let mut pids = Vec::new();
    wait_until("three processes have said who they are", || {
        pids = logged_pids(run.path());
        pids.len() == 3
    });
    (run, child, pids)
}

fn ends_all_on(signal: Signal, status: i32) {
    let (_run, mut tool, pids) = hanging_run();
    assert!(pids.iter().all(|pid| test_kill_process(*pid).is_ok()), "they are alive");
    kill_process_group(Pid::from_child(&tool), signal).expect("the tool is alive");
    let ended = tool.wait().expect("the tool ends");
    assert_eq!(ended.code(), Some(status));
    // The agent's own child is reaped by whoever inherits it.
    wait_until("all are gone", || all_gone(&pids));
}

fn none_after_ctrl_c() {
    ends_all_on(Signal::INT, 130);
}

fn none_after_sigterm() {
    ends_all_on(Signal::TERM, 130);
}

fn none_after_a_panic() {
    let folder = tempfile::tempdir().expect("a folder for logs");
    let output = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args([PANIC, &folder.path().to_string_lossy()])
        .output()
        .expect("this program can be run");
    assert_eq!(output.status.code(), Some(101), "it panics");
    let pids = logged_pids(folder.path());
    assert_eq!(pids.len(), 1, "it had started a server");
    assert!(all_gone(&pids), "the server is gone with it");
}

/// Starts a server as the tool does, and panics.
pub(crate) fn panic_beside_a_server() -> ExitCode {
    let places = programs::places();
    let path = Path::new(programs::ROOT).join(MUTANTS);
    let peers = Peers::read(Some(&path), &places, &[]).expect("the mutants");
    let peer = peers.named("one-wrong-answer").expect("a mutant");
    let program = peer.server.as_ref().expect("a server");
    let folder = std::env::args().nth(2).expect("a folder for logs");
    let logs = Logs::at(&Path::new(&folder).join("server"));
    let server = RunningServer::start(program, &places, "127.0.0.1:0", logs).expect("it starts");
    kill_process(server.process.pid(), Signal::CONT).expect("it is alive");
    panic!("as a bug in the tool would");
}
