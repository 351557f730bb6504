//! Client programs with a fault are told from the reference, each by what is wrong with it.
//!
//! Compared with the goldens, so that it needs no Python; but always on the document's port.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::mutants::PORT;
use crate::orphans::all_gone;
use crate::orphans::logged_pids;
use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("client-programs/a-faultless-program-passes", a_faultless_program_passes),
        ("client-programs/another-status-is-found", another_status_is_found),
        ("client-programs/silence-about-a-failure-is-found", silence_about_a_failure_is_found),
        ("client-programs/another-exit-status-is-found", another_exit_status_is_found),
        ("client-programs/other-output-is-found", other_output_is_found),
        ("client-programs/one-that-does-not-end-is-found", one_that_does_not_end_is_found),
        ("client-programs/one-that-hangs-is-reported", one_that_hangs_is_reported),
    ])
}

fn with_goldens(client: &str, case: &str) -> Run {
    Run::of_mutants(&format!("client-parity/{client}/program-{case}"))
        .with("--baseline", "golden")
        .with("--goldens", "interop-tests/goldens")
}

fn ran(client: &str, case: &str) -> Ran {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    with_goldens(client, case).finish()
}

fn a_faultless_program_passes() {
    // Many side by side: each finds the server that is meant for it.
    let ran = ran("rust", "http-4");
    ran.assert(ran.trials().len() > 10, "there are more such statuses");
    ran.assert(ran.failed_cases().is_empty(), "nothing is wrong with them").ends_with_status(0);
}

fn another_status_is_found() {
    let ran = ran("says-unknown", "http-4");
    let failed = ran.failed_cases();
    ran.assert(failed.contains(&"program-http-429-with-nothing"), "it says UNKNOWN");
    ran.assert(!failed.contains(&"program-http-401-with-nothing"), "and nothing else is wrong");
    ran.says("expected   status = UNAVAILABLE").says("observed   status = UNKNOWN");
    ran.ends_with_status(101);
}

fn silence_about_a_failure_is_found() {
    let ran = ran("says-nothing", "http-503-with-nothing");
    ran.says("expected   status = UNAVAILABLE").says("observed   status = (none)");
    ran.assert(ran.failed_cases() == ["program-http-503-with-nothing"], "it should differ");
}

fn another_exit_status_is_found() {
    let ran = ran("dies", "http-503-with-nothing");
    ran.says("expected   end = status 1").says("observed   end = status 3");
    ran.assert(ran.failed_cases() == ["program-http-503-with-nothing"], "it should differ");
}

fn other_output_is_found() {
    let ran = ran("prints-rubbish", "ok");
    ran.says(r#"expected   stdout = "4.0\n""#).says(r#"observed   stdout = "4\n""#);
    ran.assert(ran.failed_cases().contains(&"program-ok"), "it should differ");
}

fn one_that_does_not_end_is_found() {
    let ran = ran("hangs-after-its-call", "ok");
    // The call is its own child's, and has been made.
    ran.says(r"observed   end = waits").says("requests = 1");
    ran.assert(ran.failed_cases().contains(&"program-ok"), "it should differ");
    let pids = logged_pids(ran.folder.path());
    ran.assert(!pids.is_empty() && all_gone(&pids), "it has been ended");
}

fn one_that_hangs_is_reported() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let run = with_goldens("hangs", "http-503-with-nothing");
    let child = run.command().stdout(Stdio::piped()).spawn().expect("the tool");
    if cfg!(target_os = "linux") {
        // Elsewhere the tool cannot know that it is not the program that hangs.
        a_stranger_gets_nothing();
    }
    let output = child.wait_with_output().expect("the tool ends");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(101), "{stdout}");
    assert!(stdout.contains("the client program did not connect within 10s"), "{stdout}");
    let pids = logged_pids(run.path());
    assert!(!pids.is_empty() && all_gone(&pids), "it has been ended");
}

/// Connects as soon as the tool listens, which takes long while other tests keep the processors busy.
fn a_stranger_gets_nothing() {
    const PATIENCE: Duration = Duration::from_secs(30);
    let start = Instant::now();
    let mut stranger = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, 50051)) {
            Ok(socket) => break socket,
            Err(error) => assert!(start.elapsed() < PATIENCE, "nothing listens: {error}"),
        }
        std::thread::yield_now();
    };
    stranger.set_read_timeout(Some(PATIENCE)).expect("a limit");
    assert_eq!(stranger.read(&mut [0]).expect("the end"), 0, "a stranger gets nothing");
}
