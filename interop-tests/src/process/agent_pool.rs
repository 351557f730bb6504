//! A few agents of one peer, for cases that wait side by side.
//!
//! The agent that was given back last is lent first, so that no more are started than are needed at
//! the same time.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::config::program::Program;
use crate::outcome::finding::Finding;
use crate::process::agent_slot::AgentSlot;
use crate::process::child::Logs;
use crate::process::context::RunContext;
use grpc_interop_protocol::{Outcome, Request};

/// See the module.
#[derive(Debug)]
pub(crate) struct AgentPool {
    program: Program,
    logs: Vec<Logs>,
    idle: Mutex<Vec<AgentSlot>>,
    given_back: Condvar,
    /// How often one of them may break before all are given up.
    patience: Option<usize>,
    breaks: Mutex<Breaks>,
}

#[derive(Debug, Default)]
struct Breaks {
    count: usize,
    last: String,
}

impl AgentPool {
    /// A pool of `size` agents, with their logs in `folder`.
    pub(crate) fn new(program: &Program, folder: &Path, size: usize) -> Self {
        let slot = |n| AgentSlot::new(program.clone(), &folder.join(format!("agent-{n}")));
        let idle: Vec<_> = (1..=size).rev().map(slot).collect();
        let logs = idle.iter().map(|slot| slot.logs().clone()).collect();
        Self {
            program: program.clone(),
            logs,
            idle: Mutex::new(idle),
            given_back: Condvar::new(),
            patience: None,
            breaks: Mutex::default(),
        }
    }

    /// A pool that is given up when its agents have broken `times` times, together and not each.
    pub(crate) fn giving_up_after(self, times: usize) -> Self {
        Self { patience: Some(times), ..self }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn logs(&self) -> &[Logs] {
        &self.logs
    }

    fn is_given_up(&self) -> Result<(), Finding> {
        let breaks = self.breaks.lock().unwrap_or_else(PoisonError::into_inner);
        match self.patience.filter(|patience| breaks.count >= *patience) {
            None => Ok(()),
            Some(patience) => Err(Finding::SetUpError(format!(
                "the agent broke {patience} times and is not started again; the last time: {}",
                breaks.last
            ))),
        }
    }

    /// Waits for an agent.
    pub(crate) fn lend(&self) -> BorrowedAgent<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut idle = self
            .given_back
            .wait_while(idle, |idle| idle.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        BorrowedAgent { slot: idle.pop(), pool: self }
    }
}

/// An agent of a pool, until this is dropped.
#[derive(Debug)]
pub(crate) struct BorrowedAgent<'a> {
    slot: Option<AgentSlot>,
    pool: &'a AgentPool,
}

impl BorrowedAgent<'_> {
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
        self.pool.is_given_up()?;
        let outcome = match &mut self.slot {
            Some(slot) => slot.perform(request, context, meanwhile),
            None => Err(Finding::SetUpError("the pool has no agents".to_owned())),
        };
        if let Err(Finding::Broken(why) | Finding::Hung(why)) = &outcome {
            let mut breaks = self.pool.breaks.lock().unwrap_or_else(PoisonError::into_inner);
            *breaks = Breaks { count: breaks.count + 1, last: why.clone() };
        }
        outcome
    }
}

impl Drop for BorrowedAgent<'_> {
    fn drop(&mut self) {
        let slot = self.slot.take();
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(slot);
        self.pool.given_back.notify_one();
    }
}
