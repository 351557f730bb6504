//! A server that is started when a case first needs it, and replaced when a case has killed it.
//!
//! Replaced only so often: a server that dies with every case must not make a run endless, and one
//! that never started is not started again.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::process::{Exit, Logs};
use super::program::Program;
use super::server::RunningServer;
use super::setting::Setting;

/// How often a process is started before its remaining cases are given up.
pub(crate) const STARTS: usize = 3;

/// A server on a free port, shared by all of its pairings.
#[derive(Debug)]
pub(crate) struct ServerSlot {
    program: Program,
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
        Self { program, logs: Logs::at(log), state: Mutex::default() }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Where the server is; starts it if it does not run. The error says why it never will.
    pub(crate) fn address(&self, setting: &Setting) -> Result<String, String> {
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
        match RunningServer::start(&self.program, &setting.places, FREE_PORT, self.logs.clone()) {
            Ok(server) => Ok(state.running.insert(server).address.clone()),
            Err(error) => {
                let why = format!("the server did not start: {error}");
                Err(state.given_up.insert(why).clone())
            }
        }
    }

    /// How the server ended, if it has.
    pub(crate) fn has_exited(&self) -> Option<Exit> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running.as_ref().and_then(|server| server.process.has_exited())
    }
}

/// Where a server listens that may choose its port.
pub(crate) const FREE_PORT: &str = "127.0.0.1:0";
