//! Runs the tool like a user and captures its output and its exit status.
//!
//! Each run has its own folder and a time limit, because the tool might hang.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::programs;

/// The time limit of a run. The longest takes 20 seconds alone, and a machine that is busy with other work needs several
/// times as long.
const LIMIT: Duration = Duration::from_secs(180);

/// How long the tool may take to end its servers after the limit.
const GRACE: Duration = Duration::from_secs(10);

/// Parts of the names of trials that mutants do not support. They support only Calculator over plain connections.
pub(crate) const BEYOND_SQUARE_ROOT: [&str; 5] =
    ["tls/", "unix", "gzip/", "deflate/", "root-of-each"];

/// The peers file with the mutants.
pub(crate) const MUTANTS: &str = "interop-tests/tests/self-test/mutants.toml";

/// Named tests, which fail by panicking.
pub(crate) fn trials<const N: usize>(tests: [(&str, fn()); N]) -> Vec<Trial> {
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    tests.into_iter().map(trial).collect()
}

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The folder of the run, deleted with this value.
    pub(crate) folder: TempDir,
}

/// The arguments of a run.
#[derive(Debug)]
pub(crate) struct Run {
    arguments: Vec<String>,
    folder: TempDir,
}

impl Run {
    /// A run with the mutants as peers and the trials whose names contain `filter`.
    pub(crate) fn of_mutants(filter: &str) -> Self {
        Self::new().with("--peers", MUTANTS).and(filter)
    }

    /// A run of the subcommand `run`.
    pub(crate) fn new() -> Self {
        Self::of_command("run")
    }

    /// A run of this subcommand.
    pub(crate) fn of_command(command: &str) -> Self {
        let folder = tempfile::tempdir().expect("cannot create a folder for logs");
        let output = folder.path().join("output").to_string_lossy().into_owned();
        let mut arguments = vec![command.to_owned()];
        // The others write nothing.
        if !["diff", "schema", "man", "completions"].contains(&command) {
            arguments.extend(["--output".to_owned(), output]);
        }
        Self { arguments, folder }
    }

    /// A run of a subcommand that reads these records.
    pub(crate) fn with_records(command: &str, records: &[&Path]) -> Self {
        let run = Self::of_command(command);
        records.iter().fold(run, |run, path| run.and(&path.to_string_lossy()))
    }

    /// Adds an option with a value.
    pub(crate) fn with(self, option: &str, value: &str) -> Self {
        self.and(option).and(value)
    }

    /// Adds an argument.
    pub(crate) fn and(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Excludes the trials whose names contain one of `parts`.
    pub(crate) fn skipping(self, parts: &[&str]) -> Self {
        parts.iter().fold(self, |run, part| run.with("--skip", part))
    }

    /// Writes a file to the folder of the run and adds it as the value of `option`.
    pub(crate) fn with_file(self, option: &str, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("the path has no parent"))
            .expect("cannot create a folder");
        std::fs::write(&path, text).expect("cannot write a file");
        self.with(option, &path.to_string_lossy())
    }

    /// The folder of the run.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command, for a test that observes the run.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(programs::interop());
        command.args(&self.arguments).current_dir(programs::ROOT);
        command
    }

    /// Runs the tool until it exits.
    pub(crate) fn finish(self) -> Ran {
        self.finish_with(&[])
    }

    /// Runs the tool with additional environment variables until it exits.
    pub(crate) fn finish_with(self, variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command();
        command.envs(variables.iter().copied());
        self.finish_command(command)
    }

    /// Runs this command, which is [`Self::command`] with other settings, until it exits.
    pub(crate) fn finish_command(self, mut command: Command) -> Ran {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = output(command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            folder: self.folder,
        }
    }
}

/// The output of a program that ends within the limit: that of stdout and stderr if they are piped.
///
/// After the limit it gets SIGTERM, so that the tool ends its servers, which SIGKILL would leave running.
pub(crate) fn output(mut command: Command) -> Output {
    let child = command.stdin(Stdio::null()).spawn().expect("cannot run the tool");
    let pid = Pid::from_child(&child);
    let (ended, end) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        for (limit, signal) in [(LIMIT, Signal::TERM), (GRACE, Signal::KILL)] {
            if end.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            // Fails only if the tool has just ended.
            let _ = kill_process(pid, signal);
        }
    });
    let output = child.wait_with_output().expect("cannot read the output of the tool");
    drop(ended);
    watchdog.join().expect("the watchdog does not panic");
    output
}

/// The record at `path` as JSON.
#[track_caller]
pub(crate) fn read_record(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).expect("cannot read the record");
    serde_json::from_str(&text).expect("invalid JSON")
}

impl Ran {
    /// The trials that ran, each with its result: `ok`, `FAILED` or `ignored (…)`.
    pub(crate) fn trials(&self) -> BTreeMap<&str, &str> {
        self.stdout
            .lines()
            .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "))
            .map(|(name, result)| (name.trim(), result.trim()))
            .collect()
    }

    /// The cases that failed, by the last part of their trials' names.
    pub(crate) fn failed_cases(&self) -> Vec<&str> {
        let failed = self.trials().into_iter().filter(|(_, result)| *result == "FAILED");
        failed.filter_map(|(name, _)| name.rsplit('/').next()).collect()
    }

    /// The folder with the reports.
    pub(crate) fn reports(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    /// The record as JSON.
    #[track_caller]
    pub(crate) fn record(&self) -> serde_json::Value {
        read_record(&self.reports().join("report.json"))
    }

    /// Panics with the entire output unless `condition` is true.
    #[track_caller]
    pub(crate) fn assert(&self, condition: bool, what: &str) -> &Self {
        assert!(
            condition,
            "{what}\nstatus {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.status, self.stdout, self.stderr
        );
        self
    }

    /// Asserts that stdout or stderr contains `text`.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) -> &Self {
        let found = self.stdout.contains(text) || self.stderr.contains(text);
        self.assert(found, &format!("the output should contain: {text}"))
    }

    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn ends_with_status(&self, status: i32) -> &Self {
        self.assert(self.status == Some(status), &format!("the exit status should be {status}"))
    }
}
