//! A client agent that is started when a case first needs it, and replaced when a case has broken it.
//!
//! Replaced only so often in a row: an agent that hangs in every case must not make a run endless.

use std::path::Path;

use crate::config::program::Program;
use crate::outcome::finding::Finding;
use crate::process::agent::{Agent, AgentError};
use crate::process::child::Logs;
use crate::process::context::RunContext;
use crate::process::server_slot::STARTS;
use grpc_interop_protocol::{Outcome, Request};

/// See the module.
#[derive(Debug)]
pub(crate) struct AgentSlot {
    program: Program,
    logs: Logs,
    running: Option<Agent>,
    /// Since it last told an outcome.
    starts: usize,
    last_end: String,
}

impl AgentSlot {
    pub(crate) fn new(program: Program, log: &Path) -> Self {
        let logs = Logs::at(log);
        Self { program, logs, running: None, starts: 0, last_end: String::new() }
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Has the agent make the calls of `request` and does something `meanwhile`; starts it first if it
    /// does not run.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        context: &RunContext,
        meanwhile: impl FnOnce(),
    ) -> Result<Outcome, Finding> {
        if self.running.is_none() {
            self.running = Some(self.start(context).map_err(Finding::SetUpError)?);
        }
        let Some(agent) = &mut self.running else { unreachable!("it has just been started") };
        match agent.perform(request, meanwhile) {
            Ok(outcome) => {
                self.starts = 1;
                Ok(outcome)
            }
            Err(error) => {
                self.running = None;
                self.last_end = error.to_string();
                Err(match error {
                    AgentError::Hangs(_) => Finding::Hung(error.to_string()),
                    _ => Finding::Broken(error.to_string()),
                })
            }
        }
    }

    fn start(&mut self, context: &RunContext) -> Result<Agent, String> {
        if self.starts == STARTS {
            return Err(format!(
                "the agent broke {STARTS} times and is not started again; the last time: {}",
                self.last_end
            ));
        }
        self.starts += 1;
        let command_line = self
            .program
            .command_line(&context.places, "")
            .map_err(|error| format!("the agent cannot be run: {error}"))?;
        Agent::start(&command_line, self.logs.clone()).map_err(|error| error.to_string())
    }
}
