//! A server that one scenario has for itself, because it is killed or measured.
//!
//! It always comes back at the same address, where the clients look for it.

use crate::calls::scenario::step::ServerAction;
use crate::calls::session::Session;
use crate::outcome::finding::Finding;
use crate::process::server::RunningServer;
use crate::process::server_config::ServerConfig;

/// See the module.
pub(crate) struct OwnServer<'a> {
    pairing: &'a Session,
    arrangement: ServerConfig,
    pub(crate) address: String,
    /// `None` while it is away.
    pub(crate) running: Option<RunningServer>,
}

impl<'a> OwnServer<'a> {
    /// Starts a server of the pairing's peer.
    pub(crate) fn start(pairing: &'a Session, arrangement: ServerConfig) -> Result<Self, Finding> {
        let address = arrangement.lasting_address(&pairing.context).map_err(Finding::SetUpError)?;
        let mut server = Self { pairing, arrangement, address, running: None };
        server.act(ServerAction::Start)?;
        Ok(server)
    }

    /// Kills it or starts it.
    pub(crate) fn act(&mut self, action: ServerAction) -> Result<(), Finding> {
        // The old one first: it may still hold the port.
        self.running = None;
        if action == ServerAction::Kill {
            return Ok(());
        }
        let did_not_start =
            |why: String| Finding::SetUpError(format!("the server did not start: {why}"));
        let Session { fleet, context, .. } = self.pairing;
        let program = self.arrangement.arranged(fleet.program(), context).map_err(did_not_start)?;
        let logs = fleet.slot(self.arrangement).logs().clone();
        let server = RunningServer::start(&program, &context.places, &self.address, logs)
            .map_err(|error| did_not_start(error.to_string()))?;
        self.running = Some(server);
        Ok(())
    }
}
