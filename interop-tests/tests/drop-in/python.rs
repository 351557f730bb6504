//! Runs the Python of `.venv`, which provides the expected results.
//!
//! If it is missing, its tests fail. With `INTEROP_WITHOUT_PYTHON=1`, they are skipped instead, and each prints a
//! message.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use assert_cmd::Command;

use crate::support::{LIMIT, PROXY_VARIABLES};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const INTERPRETER: &str = ".venv/bin/python";

/// The interpreter with the packages of the Python programs.
#[derive(Debug)]
pub(crate) struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// Finds the interpreter, or returns `None` with `INTEROP_WITHOUT_PYTHON=1`.
    pub(crate) fn find() -> Option<Self> {
        if std::env::var_os("INTEROP_WITHOUT_PYTHON").is_some_and(|value| value == "1") {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test").to_owned();
            // Not with eprintln, whose output is hidden if the test passes.
            let _ = writeln!(io::stderr(), "{test}: skipped because of INTEROP_WITHOUT_PYTHON=1");
            return None;
        }
        for part in [INTERPRETER, "python/calculator_pb2.py", "python/calculator_pb2_grpc.py"] {
            assert!(Path::new(ROOT).join(part).exists(), "{part} is missing: run `make setup`");
        }
        Some(Self { interpreter: Path::new(ROOT).join(INTERPRETER) })
    }

    /// A command that starts the interpreter in the folder of the Python programs.
    pub(crate) fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.interpreter);
        command.current_dir(Path::new(ROOT).join("python"));
        // These variables could hide modules, or insert a proxy between two programs.
        for variable in ["PYTHONSAFEPATH", "PYTHONPATH"].into_iter().chain(PROXY_VARIABLES) {
            command.env_remove(variable);
        }
        command
    }

    /// The major and the minor version.
    pub(crate) fn version(&self) -> (u32, u32) {
        let text = self.run(&["-c", "import sys; print(*sys.version_info[:2])"], String::new());
        let mut numbers =
            text.split_whitespace().map(|number| number.parse().expect("not a number"));
        (numbers.next().expect("no major version"), numbers.next().expect("no minor version"))
    }

    /// The results of `python/interop/oracle.py` for each of `arguments`, from a single process.
    pub(crate) fn ask<Argument: AsRef<[u8]>>(
        &self,
        question: &str,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Vec<String> {
        let lines: Vec<String> =
            arguments.into_iter().map(|argument| hex(argument.as_ref()) + "\n").collect();
        let answers = self.run(&["-m", "interop.oracle", question], lines.concat());
        let answers: Vec<String> = answers.lines().map(str::to_owned).collect();
        assert_eq!(
            answers.len(),
            lines.len(),
            "python/interop/oracle.py must print a line for each argument"
        );
        answers
    }

    fn run(&self, arguments: &[&str], stdin: String) -> String {
        let mut command = Command::from_std(self.command());
        let done = command.args(arguments).write_stdin(stdin).timeout(LIMIT).assert().success();
        String::from_utf8(done.get_output().stdout.clone())
            .expect("the output of Python is not UTF-8")
    }

    /// A command that runs `client.py` with another address and value.
    pub(crate) fn client(&self, address: &str, value: &str) -> Command {
        let document = std::fs::read_to_string(Path::new(ROOT).join("python/client.py"));
        let mut program = document.expect("cannot read client.py");
        for (old, new) in [("localhost:50051", address), ("value=16", &format!("value={value}"))] {
            assert_eq!(program.matches(old).count(), 1, "{old} in client.py");
            program = program.replace(old, new);
        }
        let mut command = Command::from_std(self.command());
        command.args(["-c", &program]).timeout(LIMIT);
        command
    }
}

/// The bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
