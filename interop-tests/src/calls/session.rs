//! The two sides of a case: the server of one peer and the client agents of another.

use std::sync::Arc;

use crate::calls::scenario::step::ServerAction;
use crate::outcome::finding::Finding;
use crate::process::agent_pool::AgentPool;
use crate::process::context::RunContext;
use crate::process::server::RunningServer;
use crate::process::server_config::ServerConfig;
use crate::process::server_pool::ServerPool;

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
    session: &'a Session,
    config: ServerConfig,
    pub(crate) address: String,
    /// `None` while it is not running.
    pub(crate) running: Option<RunningServer>,
}

impl<'a> DedicatedServer<'a> {
    /// Starts a server of the session's peer.
    pub(crate) fn start(session: &'a Session, config: ServerConfig) -> Result<Self, Finding> {
        let address = config.lasting_address(&session.context).map_err(Finding::SetUpError)?;
        let mut server = Self { session, config, address, running: None };
        server.act(ServerAction::Start)?;
        Ok(server)
    }

    /// Kills it or starts it.
    pub(crate) fn act(&mut self, action: ServerAction) -> Result<(), Finding> {
        // First of all the old process ends: it may still have the port.
        self.running = None;
        if action == ServerAction::Kill {
            return Ok(());
        }
        let did_not_start =
            |why: String| Finding::SetUpError(format!("the server did not start: {why}"));
        let Session { servers, context, .. } = self.session;
        let program = self.config.apply_to(servers.program(), context).map_err(did_not_start)?;
        let logs = servers.server(self.config).logs().clone();
        let server = RunningServer::start(&program, &context.places, &self.address, logs)
            .map_err(|error| did_not_start(error.to_string()))?;
        self.running = Some(server);
        Ok(())
    }
}
