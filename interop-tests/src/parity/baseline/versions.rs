//! What a peer is made of: the output of a program that its entry names.
//!
//! Goldens and records carry the lines, so that a difference can be told from a change of version.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use crate::config::peer::Peer;
use crate::config::program::Program;
use crate::process::child::{Exit, Logs, Process};
use crate::process::context::RunContext;

/// How long the program may run.
const LIMIT: Duration = Duration::from_secs(20);

/// The versions of a peer; the program that prints them is run once.
#[derive(Debug)]
pub(crate) struct Versions {
    program: Option<Program>,
    logs: Logs,
    lines: OnceLock<Result<Vec<String>, String>>,
}

impl Versions {
    /// The versions of `peer`; the output of the program goes to a log in `folder`.
    pub(crate) fn of(peer: &Peer, folder: &Path) -> Self {
        let logs = Logs::at(&folder.join("versions"));
        Self { program: peer.versions.clone(), logs, lines: OnceLock::new() }
    }

    /// A line each; the error says why they are unknown.
    pub(crate) fn lines(&self, context: &RunContext) -> Result<Vec<String>, String> {
        self.lines.get_or_init(|| self.run(context)).clone()
    }

    fn run(&self, context: &RunContext) -> Result<Vec<String>, String> {
        let program = self.program.as_ref().ok_or("its peer has no `versions`")?;
        let command_line = program
            .command_line(&context.places, "")
            .map_err(|error| format!("the program that prints the versions: {error}"))?;
        let mut process = Process::start(&command_line, self.logs.clone())
            .map_err(|error| format!("{command_line} cannot be run: {error}"))?;
        let mut stdout = String::new();
        match process.wait(LIMIT, &mut stdout) {
            Some(Exit::Status(0)) => Ok(stdout.lines().map(str::to_owned).collect()),
            Some(exit) => Err(format!("{command_line} ended with {exit}")),
            None => Err(format!("{command_line} did not end after {LIMIT:?}")),
        }
    }
}
