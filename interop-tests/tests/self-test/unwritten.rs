//! Reports and logs that cannot be written: each is named once, and the exit status says that the trials ran.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use crate::run::{self, Run, read_record};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("unwritten/a-report", a_report),
        ("unwritten/several-reports", several_reports),
        ("unwritten/a-log", a_log),
        ("unwritten/nothing-runs-without-a-record", nothing_runs_without_a_record),
        ("unwritten/merge", merge),
    ])
}

const TRIAL: &str = "calls/rust/rust/root-of-16";

/// Creates a folder where a file should be, so that it cannot be written, even by root.
fn block(path: &Path) {
    fs::create_dir_all(path.join("in-the-way")).expect("cannot create a folder");
}

/// Asserts that stderr has exactly one line about this file.
#[track_caller]
fn is_named_once(ran: &run::Ran, file: &str) {
    let about = format!("interop: cannot write {}: ", ran.reports().join(file).display());
    let lines = ran.stderr.lines().filter(|line| line.starts_with(&about)).count();
    ran.assert(lines == 1, &format!("there should be one line with: {about}"));
}

fn a_report() {
    let run = Run::of_mutants(TRIAL);
    block(&run.path().join("output/report.html"));
    let ran = run.finish();
    ran.ends_with_status(3).prints("1 passed").prints("choose another folder with --output");
    ran.prints("interop: report.json, junit.xml, summary.md are in ");
    is_named_once(&ran, "report.html");
    assert_eq!(ran.record()["state"], "finished");
}

fn several_reports() {
    let run = Run::of_mutants(TRIAL);
    for file in ["junit.xml", "summary.md", "durations.json"] {
        block(&run.path().join("output").join(file));
    }
    let ran = run.finish();
    ran.ends_with_status(3).prints("interop: report.json, report.html are in ");
    for file in ["junit.xml", "summary.md", "durations.json"] {
        is_named_once(&ran, file);
    }
}

/// The limit on the size of files acts like a full disk. It is set by a shell, which ignores the signal, so that the
/// tool and its children get an error instead.
fn a_log() {
    // A server that prints 4 KiB, which do not fit into its log.
    let server = "[[peer]]\nname = \"mute\"\nlanguage = \"x\"\n\
                  server = { command = [\"sh\", \"-c\", \"head -c 4096 /dev/zero; echo; exit 7\", \"{port}\"] }\n\
                  [[peer]]\nname = \"one\"\nlanguage = \"x\"\n\
                  agent = { command = [\"{bin}/calculator-agent\"] }\n";
    let run = Run::new().with_file("--peers", "peers.toml", server);
    let run = run.with("--exact", "calls/mute/one/root-of-16");
    let tool = run.command();
    let mut shell = Command::new("sh");
    shell.current_dir(tool.get_current_dir().expect("it has a working directory"));
    shell.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\""]);
    shell.arg(tool.get_program()).args(tool.get_args());
    let ran = run.finish_command(shell);
    ran.ends_with_status(3).prints("1 set-up error");
    let logs = format!("interop: cannot write {}/", ran.reports().join("logs").display());
    let lines = ran.stderr.lines().filter(|line| line.starts_with(&logs)).count();
    ran.assert(lines == 1, "the first log that is not complete should be named");
    is_named_once(&ran, "report.html");
    ran.assert(!ran.stderr.contains("panicked"), "the tool should not panic");
}

fn nothing_runs_without_a_record() {
    let run = Run::of_mutants(TRIAL);
    block(&run.path().join("output/report.json"));
    let ran = run.finish();
    ran.ends_with_status(2).prints("report.json: ").prints("no trial has run; --output names");
    ran.assert(ran.trials().is_empty(), "no trial should run");
}

fn merge() {
    let shards = [1, 2].map(|index| {
        Run::of_mutants("calls/rust/rust/root").with("--shard", &format!("{index}/2")).finish()
    });
    let records = shards.each_ref().map(|ran| ran.reports().join("report.json"));
    let records: Vec<_> = records.iter().map(|path| &**path).collect();
    let run = Run::with_records("merge", &records);
    block(&run.path().join("output/summary.md"));
    let ran = run.finish();
    ran.ends_with_status(3);
    is_named_once(&ran, "summary.md");
    read_record(&ran.reports().join("report.json"));
}
