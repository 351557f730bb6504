//! The agents of one peer, each lent to one case at a time.
//!
//! A case that mostly waits must not keep an agent from one that keeps a processor busy, so each of the two
//! kinds has its own number of agents. The agent that was returned last is lent first, so that no more are
//! started than are needed at the same time.

use std::path::Path;

use grpc_interop_protocol::{CallOutcome, Request};
use parking_lot::Mutex;

use crate::config::connection::Variant;
use crate::config::program::Program;
use crate::outcome::finding::Finding;
use crate::process::agent::Agent;
use crate::process::child::Logs;
use crate::process::context::RunContext;
use crate::process::restart_limit::RestartLimit;
use crate::process::semaphore::{Permit, Semaphore};

/// Agents that are started when a case needs them, and replaced when a case has broken them.
#[derive(Debug)]
pub(crate) struct AgentPool {
    peer: String,
    pub(crate) program: Program,
    /// The logs of all agents.
    pub(crate) logs: Vec<Logs>,
    /// A permit for each case that may have an agent: those that keep a processor busy, and those that wait.
    permits: [Semaphore; 2],
    /// The agents that are not lent, by their places in `logs`; `None` if one does not run.
    idle: Mutex<Vec<(usize, Option<Agent>)>>,
    limit: Mutex<RestartLimit>,
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
        let count = busy + waiting;
        Self {
            peer: peer.to_owned(),
            program: program.clone(),
            logs: (1..=count).map(logs).collect(),
            permits: [busy, waiting].map(Semaphore::new),
            idle: Mutex::new((0..count).rev().map(|index| (index, None)).collect()),
            limit: Mutex::new(RestartLimit::new("agent")),
        }
    }

    /// Waits until an agent is free for a case that waits, or for one that keeps a processor busy.
    pub(crate) fn lend(&self, waits: bool) -> BorrowedAgent<'_> {
        let permit = self.permits[usize::from(waits)].acquire();
        // Never empty: there are as many agents as permits.
        let (index, agent) = self.idle.lock().pop().unwrap_or_default();
        BorrowedAgent { index, agent, pool: self, _permit: permit }
    }

    /// Why the agents cannot make a call at this point of the axes, if they cannot.
    pub(crate) fn not_supported(&self, variant: Variant) -> Option<String> {
        self.program.unsupported_by_agent(&self.peer, variant)
    }
}

/// An agent that is returned to its pool when this is dropped.
#[derive(Debug)]
pub(crate) struct BorrowedAgent<'a> {
    index: usize,
    agent: Option<Agent>,
    pool: &'a AgentPool,
    _permit: Permit<'a>,
}

impl BorrowedAgent<'_> {
    pub(crate) fn logs(&self) -> &Logs {
        &self.pool.logs[self.index]
    }

    /// Has the agent make the calls of `request`, and does something `meanwhile`.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        context: &RunContext,
        meanwhile: impl FnOnce(),
    ) -> Result<Vec<CallOutcome>, Finding> {
        let AgentPool { program, limit, .. } = self.pool;
        limit.lock().check().map_err(Finding::SetUpError)?;
        let agent = match self.agent.take() {
            Some(agent) => Ok(agent),
            None => Agent::start(program, &context.places, self.logs().clone()),
        };
        let outcome = agent.and_then(|mut agent| {
            // An agent that fails is dropped, and replaced by the next case.
            let outcome = agent.perform(request, meanwhile)?;
            self.agent = Some(agent);
            Ok(outcome)
        });
        match &outcome {
            Err(Finding::SetUpError(why) | Finding::Hung(why) | Finding::Broken(why)) => {
                limit.lock().failed(why.clone());
            }
            _ => limit.lock().worked(),
        }
        let outcome = outcome?;
        outcome.not_supported.map_or(Ok(outcome.calls), |why| Err(Finding::NotSupported(why)))
    }
}

impl Drop for BorrowedAgent<'_> {
    fn drop(&mut self) {
        // The permit is released after this.
        self.pool.idle.lock().push((self.index, self.agent.take()));
    }
}
