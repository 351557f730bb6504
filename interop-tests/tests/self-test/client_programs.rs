//! The suite `client-parity` finds the fault of each faulty client program.
//!
//! The programs are compared with the goldens, so the tests need no Python. They always use port 50051.

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
        ("client-programs/a-missing-error-message-is-found", a_missing_error_message_is_found),
        ("client-programs/another-exit-status-is-found", another_exit_status_is_found),
        ("client-programs/other-output-is-found", other_output_is_found),
        (
            "client-programs/a-program-that-does-not-exit-is-found",
            a_program_that_does_not_exit_is_found,
        ),
        ("client-programs/a-program-that-hangs-is-reported", a_program_that_hangs_is_reported),
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
    // Many run concurrently, and each must get its own server.
    let ran = ran("rust", "http-4");
    ran.assert(ran.trials().len() > 10, "more than 10 trials should run");
    ran.assert(ran.failed_cases().is_empty(), "all trials should pass").ends_with_status(0);
}

fn another_status_is_found() {
    let ran = ran("says-unknown", "http-4");
    let failed = ran.failed_cases();
    ran.assert(
        failed.contains(&"program-http-429-with-nothing"),
        "UNKNOWN instead of UNAVAILABLE should be found",
    );
    ran.assert(!failed.contains(&"program-http-401-with-nothing"), "other cases should pass");
    ran.prints("expected   status = UNAVAILABLE").prints("observed   status = UNKNOWN");
    ran.ends_with_status(101);
}

fn a_missing_error_message_is_found() {
    let ran = ran("says-nothing", "http-503-with-nothing");
    ran.prints("expected   status = UNAVAILABLE").prints("observed   status = (none)");
    ran.assert(ran.failed_cases() == ["program-http-503-with-nothing"], "it should differ");
}

fn another_exit_status_is_found() {
    let ran = ran("dies", "http-503-with-nothing");
    ran.prints("expected   end = status 1").prints("observed   end = status 3");
    ran.assert(ran.failed_cases() == ["program-http-503-with-nothing"], "it should differ");
}

fn other_output_is_found() {
    let ran = ran("prints-rubbish", "ok");
    ran.prints(r#"expected   stdout = "4.0\n""#).prints(r#"observed   stdout = "4\n""#);
    ran.assert(ran.failed_cases().contains(&"program-ok"), "it should differ");
}

fn a_program_that_does_not_exit_is_found() {
    let ran = ran("hangs-after-its-call", "ok");
    // The call was made by a child process of the program.
    ran.prints(r"observed   end = waits").prints("requests = 1");
    ran.assert(ran.failed_cases().contains(&"program-ok"), "it should differ");
    let pids = logged_pids(ran.folder.path());
    ran.assert(!pids.is_empty() && all_gone(&pids), "the program should be terminated");
}

fn a_program_that_hangs_is_reported() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let run = with_goldens("hangs", "http-503-with-nothing");
    let child = run.command().stdout(Stdio::piped()).spawn().expect("cannot start the tool");
    if cfg!(target_os = "linux") {
        // On other systems, the tool cannot identify the process that connects.
        another_process_gets_no_response();
    }
    let output = child.wait_with_output().expect("cannot wait for the tool");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(101), "{stdout}");
    assert!(stdout.contains("the client program did not connect within 10s"), "{stdout}");
    let pids = logged_pids(run.path());
    assert!(!pids.is_empty() && all_gone(&pids), "the program should be terminated");
}

/// Connects as soon as the tool listens, which may take long while other tests run.
fn another_process_gets_no_response() {
    const LIMIT: Duration = Duration::from_secs(30);
    let start = Instant::now();
    let mut connection = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, 50051)) {
            Ok(socket) => break socket,
            Err(error) => assert!(start.elapsed() < LIMIT, "the tool does not listen: {error}"),
        }
        std::thread::yield_now();
    };
    connection.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
    assert_eq!(
        connection.read(&mut [0]).expect("cannot read from the connection"),
        0,
        "a process other than the client program should get no response"
    );
}
