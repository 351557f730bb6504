//! No process of a run keeps running after its end, after Ctrl-C or another signal, or after a panic.
//!
//! Every mutant writes its process ID to its log, where the tests read it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
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

/// The argument that makes this program start a server and panic.
pub(crate) const PANIC: &str = "panic-with-a-running-server";

/// The time limit for processes to start and to exit.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("orphans/none-after-a-run", none_after_a_run),
        ("orphans/none-after-ctrl-c", none_after_ctrl_c),
        ("orphans/none-after-sigterm", none_after_sigterm),
        ("orphans/none-after-sigkill", none_after_sigkill),
        ("orphans/none-after-a-panic", none_after_a_panic),
        ("orphans/an-ignored-signal-stays-ignored", an_ignored_signal_stays_ignored),
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

/// Whether all of these processes have exited.
pub(crate) fn all_gone(pids: &[Pid]) -> bool {
    pids.iter().all(|pid| test_kill_process(*pid).is_err())
}

#[track_caller]
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::yield_now();
    }
}

fn none_after_a_run() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    // Mutants that hang or are slow would exceed the time limit of a test.
    let run = Run::of_mutants("root-of-16").with("--skip", "hangs").with("--skip", "tells-late");
    let ran = run.finish();
    ran.assert(ran.status.is_some(), "the run should end without being killed");
    let pids = logged_pids(ran.folder.path());
    ran.assert(pids.len() > 10, "the mutants should write their process IDs");
    wait_until("all processes exit", || all_gone(&pids));
}

/// A run that hangs while a server, an agent and a child of the agent are running.
fn hanging_run() -> (Run, Child, Vec<Pid>) {
    let run = hanging();
    let mut command = run.command();
    observe(run, &mut command)
}

fn hanging() -> Run {
    Run::of_mutants("calls/one-wrong-answer/hangs/root-of-16")
}

/// Starts the tool with `command`, and returns when its servers and agents run.
fn observe(run: Run, command: &mut Command) -> (Run, Child, Vec<Pid>) {
    // Only the tool is in this group, so the peers do not get the signal.
    let child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.expect("cannot start the tool");
    let mut pids = Vec::new();
    wait_until("three processes write their IDs", || {
        pids = logged_pids(run.path());
        pids.len() == 3
    });
    (run, child, pids)
}

fn all_exit_on(signal: Signal, status: Option<i32>) {
    let (_run, mut tool, pids) = hanging_run();
    assert!(
        pids.iter().all(|pid| test_kill_process(*pid).is_ok()),
        "the processes should be running"
    );
    kill_process_group(Pid::from_child(&tool), signal).expect("cannot send the signal to the tool");
    let ended = tool.wait().expect("cannot wait for the tool");
    assert_eq!(ended.code(), status);
    // The child of the agent is reaped by another process, which inherits it.
    wait_until("all processes exit", || all_gone(&pids));
}

fn none_after_ctrl_c() {
    all_exit_on(Signal::INT, Some(130));
}

fn none_after_sigterm() {
    all_exit_on(Signal::TERM, Some(130));
}

fn none_after_sigkill() {
    all_exit_on(Signal::KILL, None);
}

/// As a script starts it with `nohup` and `&`.
fn an_ignored_signal_stays_ignored() {
    let run = hanging();
    let command = run.command();
    let mut script = Command::new("sh");
    script.args(["-c", "trap '' INT HUP; exec \"$@\"", "sh"]).arg(command.get_program());
    script.args(command.get_args()).current_dir(programs::ROOT);
    let (_run, mut tool, pids) = observe(run, &mut script);
    let pid = Pid::from_child(&tool);
    for signal in [Signal::INT, Signal::HUP] {
        kill_process(pid, signal).expect("cannot send the signal to the tool");
    }
    if cfg!(target_os = "linux") {
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
        let status = status.expect("the tool should be running");
        let ignored = status.lines().find(|line| line.starts_with("SigIgn:")).expect("a line");
        let ignored = u64::from_str_radix(ignored[7..].trim(), 16).expect("a mask");
        assert_eq!(ignored & 0b11, 0b11, "{status}");
    }
    kill_process(pid, Signal::TERM).expect("cannot send the signal to the tool");
    let ended = tool.wait().expect("cannot wait for the tool");
    assert_eq!(ended.code(), Some(130), "SIGTERM is not ignored");
    wait_until("all processes exit", || all_gone(&pids));
}

fn none_after_a_panic() {
    let folder = tempfile::tempdir().expect("cannot create a folder for logs");
    let output = std::process::Command::new(
        std::env::current_exe().expect("the path of this program is unknown"),
    )
    .args([PANIC, &folder.path().to_string_lossy()])
    .output()
    .expect("cannot run this program");
    assert_eq!(output.status.code(), Some(101), "the program should panic");
    let pids = logged_pids(folder.path());
    assert_eq!(pids.len(), 1, "the program should have started a server");
    assert!(all_gone(&pids), "the server should have exited");
}

/// Starts a server like the tool does, and panics.
pub(crate) fn panic_with_a_running_server() -> ExitCode {
    let places = programs::places();
    let path = Path::new(programs::ROOT).join(MUTANTS);
    let peers = Peers::read(Some(&path), &places, &[], &[]).expect("cannot read mutants.toml");
    let peer = peers.named("one-wrong-answer").expect("there is no such mutant");
    let program = peer.server.as_ref().expect("the mutant has no server");
    let folder = std::env::args().nth(2).expect("the folder for logs is missing");
    let logs = Logs::at(&Path::new(&folder).join("server"));
    let server = RunningServer::start(program, &places, "127.0.0.1:0", logs)
        .expect("the server did not start");
    kill_process(server.process.pid(), Signal::CONT).expect("cannot send the signal");
    panic!("a panic with a running server");
}
