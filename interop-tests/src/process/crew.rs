//! The agents of one client, shared by all of its pairings.
//!
//! Two pools, because a case that mostly waits must not keep an agent from one that keeps a processor
//! busy, nor the other way round. No more are started than are needed at the same time, and a server
//! that a client breaks is broken by the one case of that client which runs.

use std::path::Path;

use crate::config::axes::Variant;
use crate::config::program::Program;
use crate::config::support;
use crate::process::agent_pool::{AgentPool, BorrowedAgent};
use crate::process::child::Logs;
use crate::process::server_slot::STARTS;

/// How many cases of one client run at once that keep a processor busy.
const BUSY: usize = 1;

/// How many run beside those that mostly wait.
const WAITING: usize = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct Crew {
    peer: String,
    busy: AgentPool,
    waiting: AgentPool,
}

impl Crew {
    /// The agents of `peer`, with their logs in `folder`.
    pub(crate) fn new(peer: &str, program: &Program, folder: &Path) -> Self {
        let pool = |name: &str, size: usize| {
            AgentPool::new(program, &folder.join(name), size).giving_up_after(STARTS)
        };
        Self { peer: peer.to_owned(), busy: pool("busy", BUSY), waiting: pool("waiting", WAITING) }
    }

    pub(crate) fn program(&self) -> &Program {
        self.busy.program()
    }

    pub(crate) fn logs(&self, waits: bool) -> &[Logs] {
        self.pool(waits).logs()
    }

    /// Waits for an agent, for a case that mostly waits or does not.
    pub(crate) fn lend(&self, waits: bool) -> BorrowedAgent<'_> {
        self.pool(waits).lend()
    }

    /// Why the agents cannot make a call at this point of the axes, if they cannot.
    pub(crate) fn not_supported(&self, variant: Variant) -> Option<String> {
        support::unsupported_by_agent(&self.peer, self.program(), variant)
    }

    fn pool(&self, waits: bool) -> &AgentPool {
        if waits { &self.waiting } else { &self.busy }
    }
}
