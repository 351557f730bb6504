//! Runs of the tool as a person sees them: what is printed, and the exit status.
//!
//! Each in a folder of its own and with a limit in time, because a tool that hangs is one of the
//! faults that are looked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::programs;

/// No run here may take longer.
const LIMIT: Duration = Duration::from_secs(60);

/// Parts of the names of trials that no mutant takes part in: it knows Calculator over plain connections
/// and nothing else.
pub(crate) const BEYOND_SQUARE_ROOT: [&str; 5] =
    ["tls/", "unix", "gzip/", "deflate/", "root-of-each"];

/// The mutants among the peers.
pub(crate) const MUTANTS: &str = "interop-tests/tests/self-test/mutants.toml";

/// Tests that fail by panicking, by name.
pub(crate) fn trials<const N: usize>(tests: [(&str, fn()); N]) -> Vec<Trial> {
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    tests.into_iter().map(trial).collect()
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The logs, while this lives.
    pub(crate) folder: TempDir,
}

/// A run that is being put together.
#[derive(Debug)]
pub(crate) struct Run {
    arguments: Vec<String>,
    folder: TempDir,
}

impl Run {
    /// With the mutants as peers and the trials whose names contain `filter`.
    pub(crate) fn of_mutants(filter: &str) -> Self {
        Self::new().with("--peers", MUTANTS).and(filter)
    }

    pub(crate) fn new() -> Self {
        Self::of_command("run")
    }

    /// Of another subcommand than `run`.
    pub(crate) fn of_command(command: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for logs");
        let output = folder.path().join("output").to_string_lossy().into_owned();
        let mut arguments = vec![command.to_owned()];
        // `diff` writes nothing.
        if command != "diff" {
            arguments.extend(["--output".to_owned(), output]);
        }
        Self { arguments, folder }
    }

    /// Of a subcommand that reads records.
    pub(crate) fn with_records(command: &str, records: &[&Path]) -> Self {
        let run = Self::of_command(command);
        records.iter().fold(run, |run, path| run.and(&path.to_string_lossy()))
    }

    pub(crate) fn with(self, option: &str, value: &str) -> Self {
        self.and(option).and(value)
    }

    pub(crate) fn and(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Leaves out the trials whose names contain one of `parts`.
    pub(crate) fn skipping(self, parts: &[&str]) -> Self {
        parts.iter().fold(self, |run, part| run.with("--skip", part))
    }

    /// Writes a file into the run's folder and gives it to `option`.
    pub(crate) fn with_file(self, option: &str, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        self.with(option, &path.to_string_lossy())
    }

    /// The run's folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command, for a test that looks on while it runs.
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(programs::INTEROP);
        command.args(&self.arguments).current_dir(programs::ROOT);
        command
    }

    pub(crate) fn finish(self) -> Ran {
        let output =
            Command::from_std(self.command()).timeout(LIMIT).output().expect("the tool can be run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            folder: self.folder,
        }
    }
}

/// The record at `path`, as any program reads it.
#[track_caller]
pub(crate) fn read_record(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).expect("a record");
    serde_json::from_str(&text).expect("JSON")
}

impl Ran {
    /// The trials that were run, each with what is said of it: `ok`, `FAILED` or `ignored (…)`.
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

    /// The record, as any program reads it.
    #[track_caller]
    pub(crate) fn record(&self) -> serde_json::Value {
        read_record(&self.reports().join("report.json"))
    }

    /// Panics with everything that was printed unless `condition` holds.
    #[track_caller]
    pub(crate) fn assert(&self, condition: bool, what: &str) -> &Self {
        assert!(
            condition,
            "{what}\nstatus {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.status, self.stdout, self.stderr
        );
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        self.assert(said, &format!("the run should say: {text}"))
    }

    #[track_caller]
    pub(crate) fn ends_with_status(&self, status: i32) -> &Self {
        self.assert(self.status == Some(status), &format!("the status should be {status}"))
    }
}
