//! The agents of one peer, each lent to one case at a time.
//!
//! A case that mostly waits must not keep an agent from one that keeps a processor busy, so each of the two
//! kinds has its own number of agents. The agent that was returned last is lent first, so that no more are
//! started than are needed at the same time.

use std::path::Path;

use parking_lot::{Condvar, Mutex};

use crate::config::axes::Variant;
use crate::config::program::Program;
use crate::config::support;
use crate::outcome::finding::Finding;
use crate::process::agent::{Agent, AgentError};
use crate::process::child::Logs;
use crate::process::context::RunContext;
use crate::process::restart_limit::RestartLimit;
use grpc_interop_protocol::{Outcome, Request};

/// Agents that are started when a case needs them, and replaced when a case has broken them.
#[derive(Debug)]
pub(crate) struct AgentPool {
    peer: String,
    program: Program,
    logs: Vec<Logs>,
    /// How many cases have an agent at the most, that keep a processor busy and that wait.
    sizes: [usize; 2],
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug)]
struct State {
    idle: Vec<Slot>,
    lent: [usize; 2],
    limit: RestartLimit,
}

#[derive(Debug)]
struct Slot {
    logs: Logs,
    running: Option<Agent>,
}

impl AgentPool {
    /// The agents of `peer` with their logs in `folder`: as many as `busy` cases that keep a processor busy
    /// and `waiting` cases that wait can have at once.
    pub(crate) fn new(
        peer: &str,
        program: &Program,
        folder: &Path,
        busy: usize,
        waiting: usize,
    ) -> Self {
        let logs = |number| Logs::at(&folder.join(format!("agent-{number}")));
        let logs: Vec<_> = (1..=busy + waiting).map(logs).collect();
        let idle =
            logs.iter().rev().map(|logs| Slot { logs: logs.clone(), running: None }).collect();
        let state = State { idle, lent: [0; 2], limit: RestartLimit::new("agent") };
        Self {
            peer: peer.to_owned(),
            program: program.clone(),
            logs,
            sizes: [busy, waiting],
            state: Mutex::new(state),
            returned: Condvar::new(),
        }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The logs of all agents.
    pub(crate) fn logs(&self) -> &[Logs] {
        &self.logs
    }

    /// Waits until an agent is free for a case that waits, or for one that keeps a processor busy.
    pub(crate) fn lend(&self, waits: bool) -> BorrowedAgent<'_> {
        let kind = usize::from(waits);
        let mut state = self.state.lock();
        self.returned.wait_while(&mut state, |state| state.lent[kind] == self.sizes[kind]);
        state.lent[kind] += 1;
        BorrowedAgent { slot: state.idle.pop(), kind, pool: self }
    }

    /// Why the agents cannot make a call at this point of the axes, if they cannot.
    pub(crate) fn not_supported(&self, variant: Variant) -> Option<String> {
        support::unsupported_by_agent(&self.peer, &self.program, variant)
    }
}

/// An agent that is returned to its pool when this is dropped.
#[derive(Debug)]
pub(crate) struct BorrowedAgent<'a> {
    slot: Option<Slot>,
    kind: usize,
    pool: &'a AgentPool,
}

impl BorrowedAgent<'_> {
    /// The logs of this agent.
    pub(crate) fn logs(&self) -> Option<&Logs> {
        self.slot.as_ref().map(|slot| &slot.logs)
    }

    /// Has the agent make the calls of `request`.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        context: &RunContext,
    ) -> Result<Outcome, Finding> {
        self.perform_beside(request, context, || ())
    }

    /// Has the agent make the calls of `request`, and does something `meanwhile`.
    pub(crate) fn perform_beside(
        &mut self,
        request: &Request,
        context: &RunContext,
        meanwhile: impl FnOnce(),
    ) -> Result<Outcome, Finding> {
        let Some(Slot { logs, running }) = &mut self.slot else {
            return Err(Finding::SetUpError("the pool has no agents".to_owned()));
        };
        self.pool.state.lock().limit.check().map_err(Finding::SetUpError)?;
        let agent = match running.take() {
            Some(agent) => Ok(agent),
            None => Agent::start(&self.pool.program, &context.places, logs.clone()),
        };
        let result = agent.and_then(|agent| {
            let outcome = running.insert(agent).perform(request, meanwhile);
            outcome.inspect_err(|_| *running = None)
        });
        let limit = &mut self.pool.state.lock().limit;
        match &result {
            Ok(_) => limit.worked(),
            Err(error) => limit.failed(error.to_string()),
        }
        result.map_err(|error| {
            let why = error.to_string();
            match error {
                AgentError::Command(_) | AgentError::Start(_) => Finding::SetUpError(why),
                AgentError::Hangs(_) => Finding::Hung(why),
                AgentError::Exited { .. } | AgentError::NotAnOutcome { .. } => Finding::Broken(why),
            }
        })
    }
}

impl Drop for BorrowedAgent<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock();
        state.idle.extend(self.slot.take());
        state.lent[self.kind] -= 1;
        // All, because a case of the other kind may be woken as well.
        self.pool.returned.notify_all();
    }
}
