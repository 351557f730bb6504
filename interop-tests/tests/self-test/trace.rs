//! Wire traces are kept for every failed trial, and for other trials only on request.

use std::path::Path;
use std::sync::PoisonError;

use libtest_mimic::Trial;

use crate::mutants::PORT;
use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("trace/a-failed-call-shows-the-failing-byte", a_failed_call),
        ("trace/a-failed-probe-shows-both-calls", a_failed_probe),
        ("trace/a-failed-behaviour-is-kept", a_failed_behaviour),
        ("trace/a-failed-client-program-is-kept", a_failed_client_program),
        ("trace/a-set-up-error-without-a-connection", a_set_up_error),
        ("trace/passed-trials-are-kept-on-request", passed_trials_are_kept_on_request),
        ("trace/passed-trials-are-not-kept-by-default", passed_trials_are_not_kept),
        ("trace/programs-have-none", programs_have_none),
        ("trace/encryption-is-shown", encryption_is_shown),
    ])
}

fn of(filter: &str) -> Run {
    Run::of_mutants(filter)
        .with("--baseline", "golden")
        .with("--goldens", "interop-tests/goldens")
        .and("--exact")
}

/// The trace of a trial.
#[track_caller]
fn wire(ran: &Ran, trial: &str) -> String {
    let file = ran.folder.path().join("output/logs").join(trial).join("wire.txt");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    ran.assert(!text.is_empty(), &format!("the trace of {trial} should be kept"));
    text
}

/// The number of traces.
fn kept(folder: &Path) -> usize {
    let of_entry = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => kept(&entry.path()),
        _ => usize::from(entry.file_name() == "wire.txt"),
    };
    std::fs::read_dir(folder).expect("cannot create a folder").flatten().map(of_entry).sum()
}

/// Asserts that a trace has these lines in this order.
#[track_caller]
fn shows(wire: &str, lines: &[&str]) {
    let mut all = wire.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    for line in lines {
        assert!(all.any(|found| found.contains(line)), "`{line}` should be next in\n{wire}");
    }
}

fn a_failed_call() {
    let trial = "calls/one-wrong-answer/rust/root-of-2-is-rounded";
    let ran = of(trial).finish();
    ran.prints(&format!("output/logs/{trial}/wire.txt")).ends_with_status(101);
    shows(
        &wire(&ran, trial),
        &[
            "client opens the connection",
            "client preface",
            "client HEADERS on stream 1, END_HEADERS",
            ":path: /Calculator/SquareRoot",
            "client DATA on stream 1",
            "00000040 value 2.0 (0x40000000)",
            "server DATA on stream 1",
            "00000005 message length 5",
            "0d field 1 fixed32",
            "f404b53f value 1.4142137 (0x3fb504f4)",
            "server HEADERS on stream 1, END_STREAM, END_HEADERS",
            "grpc-status: 0",
        ],
    );
}

fn a_failed_probe() {
    let trial = "server-parity/drops-the-sign-of-zero/negative-zero";
    let ran = of(trial).finish();
    let wire = wire(&ran, trial);
    shows(
        &wire,
        &[
            "client DATA on stream 1, END_STREAM",
            "00000080 value -0.0 (0x80000000)",
            "server DATA on stream 1",
            "00000000 message length 0",
            "client DATA on stream 3, END_STREAM",
            "00008040 value 4.0 (0x40800000)",
            "client closes the connection",
        ],
    );
    assert!(
        !wire.contains("connection 2"),
        "the check that the server still runs should not be in the trace"
    );
}

fn a_failed_behaviour() {
    let trial = "client-parity/plain-tonic/http-503-with-a-page";
    let ran = of(trial).finish();
    let lines = ["client HEADERS on stream 1", "server HEADERS on stream 1", ":status: 503"];
    shows(&wire(&ran, trial), &lines);
    ran.ends_with_status(101);
}

fn a_failed_client_program() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let trial = "client-parity/says-unknown/program-http-429-with-nothing";
    let ran = of(trial).finish();
    shows(&wire(&ran, trial), &["client HEADERS", ":path: /Calculator", ":status: 429"]);
    ran.ends_with_status(101);
}

fn a_set_up_error() {
    let trial = "calls/never-listens/rust/root-of-16";
    let ran = of(trial).finish();
    shows(&wire(&ran, trial), &["no client connected"]);
    ran.prints("set-up error").ends_with_status(101);
}

/// A passing trial of each suite.
const PASSED: [&str; 4] = [
    "calls/rust/rust/root-of-16",
    "server-parity/rust/root-of-2",
    "client-parity/rust/http-503-with-a-page",
    "client-parity/rust/program-http-503-with-nothing",
];

fn passed_trials_are_kept_on_request() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    for trial in PASSED {
        let ran = of(trial).and("--trace").finish();
        ran.prints("1 passed").ends_with_status(0);
        shows(&wire(&ran, trial), &["client HEADERS on stream 1", "server HEADERS on stream 1"]);
        assert_eq!(kept(ran.folder.path()), 1, "no other trial should have a trace");
    }
}

fn passed_trials_are_not_kept() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    for trial in PASSED {
        let ran = of(trial).finish();
        ran.prints("1 passed").ends_with_status(0);
        assert_eq!(kept(ran.folder.path()), 0, "no trace should be kept");
    }
}

fn programs_have_none() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let trial = "programs/rust/rust/root-of-16";
    let ran = of(trial).and("--trace").finish();
    shows(&wire(&ran, trial), &["no tap can be between them"]);
    ran.prints("1 passed");
}

fn encryption_is_shown() {
    let peers = "[[peer]]\nname = \"rust\"\nlanguage = \"x\"\n\
         server = { command = [\"{bin}/calculator-server\", \"--address\", \"{address}\"], \
         ready = \"Address: {address}\", calls = [\"--streaming\", \"--health\", \"--reflection\", \
         \"--test-behaviour\"], options = { tls = [\"--tls-certificate\", \"{certificate}\", \
         \"--tls-key\", \"{key}\"] } }\nagent = { command = [\"{bin}/calculator-agent\"] }\n";
    let trial = "calls/rust/rust/tls/root-of-16";
    let run = Run::new().with_file("--peers", "peers.toml", peers);
    let ran = run.and("--trace").and("--exact").and(trial).finish();
    let wire = wire(&ran, trial);
    let lines = ["the connection is encrypted", "client TLS record: handshake"];
    shows(&wire, &lines);
    shows(&wire, &["server TLS record: application data"]);
    ran.prints("1 passed");
}
