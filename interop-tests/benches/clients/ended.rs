//! Runs a client until it exits.

use std::time::{Duration, Instant};

use crate::measurement::Bench;
use grpc_interop::config::Program;
use grpc_interop::process::{Exit, Logs, Process};

/// The time limit of a client.
const LIMIT: Duration = Duration::from_secs(30);

/// A client that has exited.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// The command line in shell syntax.
    pub(super) command: String,
    pub(super) stdout: String,
    pub(super) elapsed: Duration,
}

/// The reason why a client cannot be measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("a client is not installed: {0}")]
    NotInstalled(String),
    #[error("cannot run {command}: {error}")]
    Spawn { command: String, error: std::io::Error },
    #[error("{command} did not exit within {LIMIT:?}")]
    Endless { command: String },
    #[error("{command} exited with {exit}; the end of its stderr:\n{stderr}")]
    Exit { command: String, exit: Exit, stderr: String },
    #[error("{command} printed {printed:?} instead of {expected}")]
    WrongOutput { command: String, printed: String, expected: String },
}

impl Ended {
    /// Runs a client with the server at `address`.
    pub(super) fn run(
        bench: &Bench<'_>,
        program: &Program,
        address: &str,
        log: &str,
    ) -> Result<Self, ClientError> {
        let command_line = program.command_line(bench.places, address).map_err(|_| {
            let advice = program.advice.as_ref().map(ToString::to_string);
            ClientError::NotInstalled(advice.unwrap_or_default())
        })?;
        let command = command_line.to_string();
        let logs = Logs::at(&bench.logs.join(log));
        let begun = Instant::now();
        let mut process = match Process::start(&command_line, logs) {
            Ok(process) => process,
            Err(error) => return Err(ClientError::Spawn { command, error }),
        };
        let mut stdout = String::new();
        let Some(exit) = process.wait(LIMIT, &mut stdout) else {
            return Err(ClientError::Endless { command });
        };
        let elapsed = begun.elapsed();
        if exit != Exit::Status(0) {
            let stderr = process.logs.end_of_stderr();
            return Err(ClientError::Exit { command, exit, stderr });
        }
        Ok(Self { command, stdout, elapsed })
    }
}
