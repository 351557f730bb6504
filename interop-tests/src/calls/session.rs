//! The two sides of a case: the server of one peer and the client agents of another.

use std::sync::Arc;

use crate::calls::scenario::step::ServerAction;
use crate::outcome::Finding;
use crate::process::net::addresses;
use crate::process::{AgentPool, RunContext, RunningServer, ServerPool, SharedServer};

/// The servers of one peer and the agents of another, which all their cases share.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) servers: Arc<ServerPool>,
    pub(crate) agents: Arc<AgentPool>,
    pub(crate) context: Arc<RunContext>,
}

/// A server that one case uses alone, because it is killed or measured.
///
/// It is always started at the same address, where its clients expect it.
pub(crate) struct DedicatedServer<'a> {
    shared: &'a SharedServer,
    context: &'a RunContext,
    pub(crate) address: String,
    /// `None` while it is not running.
    pub(crate) running: Option<RunningServer>,
}

impl<'a> DedicatedServer<'a> {
    /// Starts a server of the same program and configuration as `shared`.
    pub(crate) fn start(
        shared: &'a SharedServer,
        context: &'a RunContext,
    ) -> Result<Self, Finding> {
        let address = shared.config.address(addresses::lasting_port, context);
        let address = address.map_err(Finding::SetUpError)?;
        let mut server = Self { shared, context, address, running: None };
        server.act(ServerAction::Start)?;
        Ok(server)
    }

    /// Kills it or starts it.
    pub(crate) fn act(&mut self, action: ServerAction) -> Result<(), Finding> {
        // The old process ends first: it may still have the port.
        self.running = None;
        if action == ServerAction::Start {
            let started = self.shared.start(&self.address, self.context);
            self.running = Some(started.map_err(Finding::SetUpError)?);
        }
        Ok(())
    }
}
