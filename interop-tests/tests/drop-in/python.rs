//! Python of `.venv`, to be asked what it would have answered.
//!
//! When it is missing its tests fail rather than pass unnoticed: only a person who says so by
//! `INTEROP_WITHOUT_PYTHON=1` goes without them, and is told each time.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use assert_cmd::Command;

use crate::support::LIMIT;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const INTERPRETER: &str = ".venv/bin/python";

/// The interpreter with the packages of the document's programs.
#[derive(Debug)]
pub(crate) struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// `None` when the person who runs the tests goes without Python.
    pub(crate) fn find() -> Option<Self> {
        if std::env::var_os("INTEROP_WITHOUT_PYTHON").is_some_and(|value| value == "1") {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test").to_owned();
            // Not eprintln, which the test runner keeps to itself while a test passes.
            let _ = writeln!(io::stderr(), "{test}: skipped, as INTEROP_WITHOUT_PYTHON=1 asks");
            return None;
        }
        for part in [INTERPRETER, "python/calculator_pb2.py", "python/calculator_pb2_grpc.py"] {
            assert!(Path::new(ROOT).join(part).exists(), "{part} is missing: run `make setup`");
        }
        Some(Self { interpreter: Path::new(ROOT).join(INTERPRETER) })
    }

    /// The interpreter, as the document starts it: in the folder of its programs.
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.interpreter);
        command.current_dir(Path::new(ROOT).join("python"));
        // The environment must not keep modules from being found, or a proxy between two programs.
        for variable in ["PYTHONSAFEPATH", "PYTHONPATH", "grpc_proxy", "http_proxy", "https_proxy"]
        {
            command.env_remove(variable);
        }
        command
    }

    /// Major and minor version.
    pub(crate) fn version(&self) -> (u32, u32) {
        let text = self.run(&["-c", "import sys; print(*sys.version_info[:2])"], String::new());
        let mut numbers = text.split_whitespace().map(|number| number.parse().expect("a number"));
        (numbers.next().expect("a major version"), numbers.next().expect("a minor version"))
    }

    /// What `python/interop/oracle.py` answers to each of `arguments`, all in one process.
    pub(crate) fn ask<Argument: AsRef<[u8]>>(
        &self,
        question: &str,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Vec<String> {
        let lines: Vec<String> =
            arguments.into_iter().map(|argument| hex(argument.as_ref()) + "\n").collect();
        let answers = self.run(&["-m", "interop.oracle", question], lines.concat());
        let answers: Vec<String> = answers.lines().map(str::to_owned).collect();
        assert_eq!(answers.len(), lines.len(), "one answer for each question");
        answers
    }

    fn run(&self, arguments: &[&str], stdin: String) -> String {
        let mut command = Command::from_std(self.command());
        let done = command.args(arguments).write_stdin(stdin).timeout(LIMIT).assert().success();
        String::from_utf8(done.get_output().stdout.clone()).expect("Python writes UTF-8")
    }

    /// The document's `client.py` with another address and value, run to its end.
    pub(crate) fn client(&self, address: &str, value: &str) -> Command {
        let document = std::fs::read_to_string(Path::new(ROOT).join("python/client.py"));
        let mut program = document.expect("the document's client");
        for (old, new) in [("localhost:50051", address), ("value=16", &format!("value={value}"))] {
            assert_eq!(program.matches(old).count(), 1, "{old} in client.py");
            program = program.replace(old, new);
        }
        let mut command = Command::from_std(self.command());
        command.args(["-c", &program]).timeout(LIMIT);
        command
    }
}

/// Two digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
