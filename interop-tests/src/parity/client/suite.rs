//! The suite `client-parity`: the same scripted server to the reference client and to every other.
//!
//! A client is compared with what the reference does in the same run, on the same machine. The agents of
//! the reference are those that are compared as a peer like any other, so that no more processes are
//! started than needed.

use std::path::Path;
use std::sync::Arc;

use crate::config::peer::Peer;
use crate::parity::baseline::case::Case;
use crate::parity::baseline::suite::{Comparison, Side};
use crate::parity::client::table::Behaviour;
use crate::process::agent_pool::AgentPool;

pub(crate) const SUITE: &str = "client-parity";

/// How many agents a peer has at most: most behaviours are over in milliseconds, and some wait.
const AGENTS: usize = 4;

/// The comparison of clients.
#[derive(Debug)]
pub(crate) struct ClientParity;

impl Comparison for ClientParity {
    const SUITE: &'static str = SUITE;
    const GOLDENS: &'static str = SUITE;
    const RECORDED_AT_ONCE: usize = AGENTS;
    const SIDE: Side = Side::Client;

    type Case = Behaviour;
    type Subject = AgentPool;
    type Reference = AgentPool;

    fn subject(
        peer: &Peer,
        reference: Option<&Arc<AgentPool>>,
        folder: &Path,
    ) -> Option<Arc<AgentPool>> {
        reference.cloned().or_else(|| Self::reference(peer, folder).map(Arc::new))
    }

    fn reference(peer: &Peer, folder: &Path) -> Option<AgentPool> {
        Some(AgentPool::new(peer.name(), peer.agent.as_ref()?, folder, AGENTS, 0))
    }

    /// What a table states is expected of every client.
    fn has_trial(peer: &Peer, behaviour: &Behaviour) -> bool {
        peer.parity || behaviour.has_expectation()
    }
}
