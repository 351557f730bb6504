//! What the reference is made of: the lines of a program that its peer names.
//!
//! The goldens carry them, so that a difference can be told from a change of version.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use crate::config::peer::Peer;
use crate::config::program::Program;
use crate::process::child::{Exit, Logs, Process};
use crate::process::context::RunContext;

/// The program, which is run once.
#[derive(Debug)]
pub(crate) struct Versions {
    program: Option<Program>,
    logs: Logs,
    known: OnceLock<Result<Vec<String>, String>>,
}

impl Versions {
    /// The versions of `peer`; the program's output goes to a log in `folder`.
    pub(crate) fn of(peer: &Peer, folder: &Path) -> Self {
        let logs = Logs::at(&folder.join("versions"));
        Self { program: peer.versions.clone(), logs, known: OnceLock::new() }
    }

    /// A line each; the error says why nobody knows.
    pub(crate) fn lines(&self, context: &RunContext) -> Result<Vec<String>, String> {
        self.known.get_or_init(|| self.ask(context)).clone()
    }

    fn ask(&self, context: &RunContext) -> Result<Vec<String>, String> {
        const LIMIT: Duration = Duration::from_secs(20);
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
