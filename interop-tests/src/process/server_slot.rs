//! A server that is started when a case first needs it, and replaced when a case has killed it; or one
//! that is attached, which is neither.
//!
//! Replaced only so often: a server that dies with every case must not make a run endless, and one
//! that never started is not started again.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::config::program::Program;
use crate::process::child::{Exit, Logs};
use crate::process::context::RunContext;
use crate::process::liveness;
use crate::process::server::RunningServer;
use crate::process::server_config::ServerConfig;

/// How often a process is started before its remaining cases are given up.
pub(crate) const STARTS: usize = 3;

/// A server on a free port, or at a socket of its own, shared by all of its pairings.
#[derive(Debug)]
pub(crate) struct ServerSlot {
    program: Program,
    arrangement: ServerConfig,
    logs: Logs,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: Option<RunningServer>,
    starts: usize,
    given_up: Option<String>,
}

impl ServerSlot {
    pub(crate) fn new(program: Program, log: &Path) -> Self {
        Self::arranged(program, log, ServerConfig::default())
    }

    /// A server that is started in this way.
    pub(crate) fn arranged(program: Program, log: &Path, arrangement: ServerConfig) -> Self {
        Self { program, arrangement, logs: Logs::at(log), state: Mutex::default() }
    }

    /// How the server is started, for a person who does so again, or where it is attached.
    pub(crate) fn shown(&self, context: &RunContext) -> Option<String> {
        let address = self.program.attach.as_ref().map(ToString::to_string);
        let shown_address = address.as_deref().unwrap_or(self.arrangement.shown_address());
        let program = self.arrangement.arranged(&self.program, context).ok();
        let line = program.and_then(|p| p.command_line(&context.places, shown_address).ok());
        match (address, line) {
            (Some(address), Some(line)) => {
                Some(format!("attached at {address}; the harness would have started {line}"))
            }
            (Some(address), None) => Some(format!("attached at {address}")),
            (None, line) => line.map(|line| line.to_string()),
        }
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Where the server is; starts it if it does not run. The error says why it never will.
    pub(crate) fn address(&self, context: &RunContext) -> Result<String, String> {
        if let Some(attached) = &self.program.attach {
            return attached.address();
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        if let Some(why) = &state.given_up {
            return Err(why.clone());
        }
        if let Some(server) = &state.running
            && server.process.has_exited().is_none()
        {
            return Ok(server.address.clone());
        }
        if state.starts == STARTS {
            let why = format!("the server ended {STARTS} times and is not started again");
            return Err(state.given_up.insert(why).clone());
        }
        state.starts += 1;
        match self.start(context) {
            Ok(server) => Ok(state.running.insert(server).address.clone()),
            Err(error) => {
                let why = format!("the server did not start: {error}");
                Err(state.given_up.insert(why).clone())
            }
        }
    }

    fn start(&self, context: &RunContext) -> Result<RunningServer, String> {
        let program = self.arrangement.arranged(&self.program, context)?;
        let address = self.arrangement.any_address(context)?;
        RunningServer::start(&program, &context.places, &address, self.logs.clone())
            .map_err(|error| error.to_string())
    }

    /// How the server ended, if it is known to have.
    pub(crate) fn has_exited(&self) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running.as_ref().and_then(|server| server.process.has_exited()).map(with)
    }

    /// How the server ended, if it is gone.
    ///
    /// The connections of a server that ends are closed before the kernel says that it has ended, so
    /// one that does not speak any more is waited for.
    pub(crate) fn is_gone(&self) -> Option<String> {
        if let Some(attached) = &self.program.attach {
            return attached.is_gone();
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let server = state.running.as_mut()?;
        let exit = if liveness::wait(&server.address, self.arrangement.is_encrypted()).is_err() {
            server.process.wait(END, &mut String::new())
        } else {
            server.process.has_exited()
        };
        exit.map(with)
    }
}

fn with(exit: Exit) -> String {
    format!("with {exit}")
}

/// How long a server may take to end after it has closed its connections.
const END: Duration = Duration::from_secs(5);

/// Where a server listens that may choose its port.
pub(crate) const FREE_PORT: &str = "127.0.0.1:0";
