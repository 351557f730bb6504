//! The suite `server-parity`: the same raw bytes to the reference server and to every other.
//!
//! A server is compared with what the reference answers in the same run, on the same machine.

use std::path::Path;
use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::outcome::finding::Finding;
use crate::parity::baseline::reference::{CaseRun, Subject};
use crate::parity::baseline::suite::{Comparison, Side};
use crate::parity::server::case_run::BurstLock;
use crate::parity::server::probe::Probe;
use crate::parity::server::reference::TutorialServer;
use crate::process::child::Logs;
use crate::process::context::RunContext;
use crate::process::server_config::ServerConfig;
use crate::process::server_pool::SharedServer;

pub(crate) const SUITE: &str = "server-parity";

/// The comparison of servers.
#[derive(Debug)]
pub(crate) struct ServerParity;

impl Comparison for ServerParity {
    const SUITE: &'static str = SUITE;
    const GOLDENS: &'static str = SUITE;
    const RECORDED_AT_ONCE: usize = 16;
    const SIDE: Side = Side::Server;

    type Case = Probe;
    type Subject = Server;
    type Reference = TutorialServer;

    fn subject(
        peer: &Peer,
        _reference: Option<&Arc<TutorialServer>>,
        folder: &Path,
    ) -> Option<Arc<Server>> {
        let process = SharedServer::new(
            peer.server.clone()?,
            &folder.join("server"),
            ServerConfig::default(),
        );
        let is_attached = peer.attached_server().is_some();
        Some(Arc::new(Server { process, is_attached, bursts: BurstLock::default() }))
    }

    fn reference(peer: &Peer, folder: &Path) -> Option<TutorialServer> {
        TutorialServer::new(peer, folder)
    }
}

/// A server that is compared.
#[derive(Debug)]
pub(crate) struct Server {
    process: SharedServer,
    is_attached: bool,
    bursts: BurstLock,
}

impl Subject for Server {
    type Case = Probe;

    fn prepare(&self, context: &RunContext) -> Result<(), Finding> {
        let address = self.process.address(context).map_err(Finding::SetUpError)?;
        if address.starts_with("unix:") {
            let why = format!("probes are sent over TCP, and the server is attached at {address}");
            return Err(Finding::NotSupported(why));
        }
        Ok(())
    }

    fn run(
        &self,
        probe: &Arc<Probe>,
        context: &RunContext,
        recorder: &Recorder,
    ) -> Result<CaseRun, Finding> {
        let address = self.process.address(context).map_err(Finding::SetUpError)?;
        let run = self.bursts.run(probe, &address, recorder);
        if let Some(how) = self.process.has_exited() {
            return Err(ended(&how));
        }
        run.map_err(|error| self.has_ended().unwrap_or_else(|| Finding::Broken(error.to_string())))
    }

    fn has_ended(&self) -> Option<Finding> {
        self.process.is_gone().map(|how| ended(&how))
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.process.command(context)
    }

    fn logs(&self, _probe: &Probe) -> Vec<Logs> {
        vec![self.process.logs.clone()]
    }

    fn is_attached(&self) -> bool {
        self.is_attached
    }
}

fn ended(how: &str) -> Finding {
    Finding::Broken(format!("the server ended during this probe, {how}"))
}
