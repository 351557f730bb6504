//! The reference client: the agent of the reference peer.
//!
//! Its agents are the same that are compared as a peer like any other, so that no more processes are
//! started than there need to be.

use std::path::Path;
use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::reference_cache::Memory;
use crate::parity::baseline::versions::Versions;
use crate::parity::client::case_run;
use crate::parity::client::table::Behaviour;
use crate::process::agent_pool::AgentPool;
use crate::process::context::RunContext;

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

    fn command(&self, context: &RunContext) -> Option<String> {
        self.pool.program().command_line(&context.places, "").ok().map(|line| line.to_string())
    }

    fn observation(
        &self,
        behaviour: &Arc<Behaviour>,
        context: &RunContext,
    ) -> Result<Observation, Finding> {
        self.memory.recall(behaviour.name(), || self.observe(behaviour, context))
    }

    fn observe(
        &self,
        behaviour: &Arc<Behaviour>,
        context: &RunContext,
    ) -> Result<Observation, Finding> {
        let why = |finding| match finding {
            Finding::Hung(why) => Finding::ReferenceHung(format!("the reference: {why}")),
            Finding::Broken(why) | Finding::SetUpError(why) | Finding::NotSupported(why) => {
                Finding::SetUpError(format!("the reference: {why}"))
            }
            other => other,
        };
        case_run::run(behaviour, &self.pool, context, &Recorder::default())
            .map(|played| played.right)
            .map_err(why)
    }

    fn versions(&self, context: &RunContext) -> Result<Vec<String>, String> {
        self.versions.lines(context)
    }
}
