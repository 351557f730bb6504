//! The reference client: the agent of the reference peer.
//!
//! Its agents are the same that are compared as a peer like any other, so that no more processes are
//! started than there need to be.

use std::path::Path;
use std::sync::Arc;

use super::play;
use super::table::Behaviour;
use crate::harness::agent_pool::AgentPool;
use crate::harness::finding::Finding;
use crate::harness::oracle::case::{Case, Reference};
use crate::harness::oracle::memory::Memory;
use crate::harness::oracle::observation::Observation;
use crate::harness::oracle::versions::Versions;
use crate::harness::peer::Peer;
use crate::harness::setting::Setting;
use crate::harness::trace::tape::Tape;

/// See the module.
#[derive(Debug)]
pub(crate) struct ReferenceClient {
    name: String,
    pool: Arc<AgentPool>,
    versions: Versions,
    memory: Memory,
}

impl ReferenceClient {
    /// The reference that `peer` is, with `agents` and their logs in `folder`; none without an agent.
    pub(crate) fn new(peer: &Peer, agents: usize, folder: &Path) -> Option<Self> {
        let pool = AgentPool::new(peer.agent.as_ref()?, &folder.join("reference"), agents);
        Some(Self {
            name: peer.name().to_owned(),
            pool: Arc::new(pool),
            versions: Versions::of(peer, folder),
            memory: Memory::default(),
        })
    }

    pub(crate) fn pool(&self) -> &Arc<AgentPool> {
        &self.pool
    }
}

impl Reference for ReferenceClient {
    type Case = Behaviour;

    fn name(&self) -> &str {
        &self.name
    }

    fn command(&self, setting: &Setting) -> Option<String> {
        self.pool.program().command_line(&setting.places, "").map(|line| line.to_string())
    }

    fn observation(
        &self,
        behaviour: &Arc<Behaviour>,
        setting: &Setting,
    ) -> Result<Observation, Finding> {
        self.memory.recall(behaviour.name(), || self.observe(behaviour, setting))
    }

    fn observe(
        &self,
        behaviour: &Arc<Behaviour>,
        setting: &Setting,
    ) -> Result<Observation, Finding> {
        let why = |finding| match finding {
            Finding::Hung(why) => Finding::ReferenceHung(format!("the reference: {why}")),
            Finding::Broken(why) | Finding::SetUpError(why) | Finding::NotSupported(why) => {
                Finding::SetUpError(format!("the reference: {why}"))
            }
            other => other,
        };
        play::play(behaviour, &self.pool, setting, &Tape::default())
            .map(|played| played.right)
            .map_err(why)
    }

    fn versions(&self, setting: &Setting) -> Result<Vec<String>, String> {
        self.versions.lines(setting)
    }
}
