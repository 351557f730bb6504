//! A few agents of one peer, for cases that wait side by side.
//!
//! The agent that was given back last is lent first, so that no more are started than are needed at
//! the same time.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use super::agent_slot::AgentSlot;
use super::finding::Finding;
use super::process::Logs;
use super::program::Program;
use super::protocol::{Outcome, Request};
use super::setting::Setting;

/// See the module.
#[derive(Debug)]
pub(crate) struct AgentPool {
    program: Program,
    logs: Vec<Logs>,
    idle: Mutex<Vec<AgentSlot>>,
    given_back: Condvar,
}

impl AgentPool {
    /// A pool of `size` agents, with their logs in `folder`.
    pub(crate) fn new(program: &Program, folder: &Path, size: usize) -> Self {
        let slot = |n| AgentSlot::new(program.clone(), &folder.join(format!("agent-{n}")));
        let idle: Vec<_> = (1..=size).rev().map(slot).collect();
        let logs = idle.iter().map(|slot| slot.logs().clone()).collect();
        Self { program: program.clone(), logs, idle: Mutex::new(idle), given_back: Condvar::new() }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn logs(&self) -> &[Logs] {
        &self.logs
    }

    /// Waits for an agent.
    pub(crate) fn lend(&self) -> Lent<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut idle = self
            .given_back
            .wait_while(idle, |idle| idle.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        Lent { slot: idle.pop(), pool: self }
    }
}

/// An agent of a pool, until this is dropped.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    slot: Option<AgentSlot>,
    pool: &'a AgentPool,
}

impl Lent<'_> {
    /// Has the agent make the calls of `request`.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        setting: &Setting,
    ) -> Result<Outcome, Finding> {
        match &mut self.slot {
            Some(slot) => slot.perform(request, setting),
            None => Err(Finding::SetUpError("the pool has no agents".to_owned())),
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let slot = self.slot.take();
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(slot);
        self.pool.given_back.notify_one();
    }
}
