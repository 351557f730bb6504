//! Output that nobody reads: the tool goes on without it and does not panic.

use std::fs::File;
use std::process::{Command, Output, Stdio};

use libtest_mimic::Trial;

use crate::run::{self, Run, read_record};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("closed-output/documents", documents),
        ("closed-output/run", run),
        ("closed-output/stderr", stderr),
        ("closed-output/full-disk", full_disk),
    ])
}

/// The end of a pipe whose reader is closed.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("cannot create a pipe");
    drop(reader);
    writer.into()
}

/// Runs the tool with this stdout, which the test does not read.
fn run_to(stdout: impl Into<Stdio>, mut command: Command) -> Output {
    command.stdout(stdout).stderr(Stdio::piped());
    run::output(command)
}

/// Asserts the exit status and that nothing but `message` is on stderr.
#[track_caller]
fn ended(output: &Output, status: i32, message: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert_eq!(stderr.trim_end(), message);
}

fn documents() {
    for command in ["list", "schema", "man", "completions", "fuzz"] {
        let run = Run::of_command(command);
        let run = match command {
            "completions" => run.and("bash"),
            "fuzz" => run.and("--help"),
            _ => run,
        };
        ended(&run_to(closed(), run.command()), 0, "");
    }
}

fn run() {
    let run = Run::of_mutants("calls/rust/rust/root");
    ended(&run_to(closed(), run.command()), 0, "");
    let record = read_record(&run.path().join("output/report.json"));
    assert_eq!(record["state"], "finished");
    assert!(record["counts"]["passed"].as_u64().is_some_and(|passed| passed > 0), "{record}");
    assert!(run.path().join("output/report.html").exists(), "all reports should be written");
}

fn stderr() {
    let run = Run::of_mutants("zebra");
    let mut command = run.command();
    command.stdout(closed()).stderr(closed());
    assert_eq!(run::output(command).status.code(), Some(2));
}

fn full_disk() {
    let full = || File::options().write(true).open("/dev/full").expect("cannot open /dev/full");
    let message = "interop: cannot write to stdout: No space left on device (os error 28)";
    for command in ["list", "schema"] {
        ended(&run_to(full(), Run::of_command(command).command()), 3, message);
    }
    let run = Run::of_mutants("calls/rust/rust/root-of-16");
    ended(&run_to(full(), run.command()), 3, message);
    assert!(run.path().join("output/report.html").exists(), "all reports should be written");
}
