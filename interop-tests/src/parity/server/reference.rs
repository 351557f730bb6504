//! The reference server: the tutorial's, unmodified, on the tutorial's port.
//!
//! It is started by the first probe and ends when the next user of the port begins.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::config::program::Program;
use crate::outcome::finding::Finding;
use crate::outcome::trial::PortUser;
use crate::parity::baseline::reference::{CaseRun, Reference, Subject};
use crate::parity::server::case_run::BurstLock;
use crate::parity::server::probe::Probe;
use crate::parity::server::quiescence::ProbeError;
use crate::process::child::{Exit, Logs};
use crate::process::context::RunContext;
use crate::process::net::tutorial_port::PORT;
use crate::process::server::RunningServer;

/// The server with which others are compared.
pub(crate) type ReferenceServer = Reference<TutorialServer>;

/// A server program that listens on the tutorial's port.
#[derive(Debug)]
pub(crate) struct TutorialServer {
    program: Program,
    logs: Logs,
    server: Arc<Mutex<Option<Result<RunningServer, String>>>>,
    bursts: BurstLock,
}

impl TutorialServer {
    /// The server program of `peer`, if it has one, with its logs in `folder`.
    pub(crate) fn new(peer: &Peer, folder: &Path) -> Option<Self> {
        Some(Self {
            program: peer.server_program.clone()?,
            logs: Logs::at(&folder.join("server")),
            server: Arc::default(),
            bursts: BurstLock::default(),
        })
    }

    fn address(&self, context: &RunContext) -> Result<String, String> {
        context.port_queue.stop_after_turn(Arc::clone(&self.server) as _);
        let mut server = self.server.lock();
        let server = server.get_or_insert_with(|| {
            RunningServer::start_on(&self.program, &context.places, PORT, self.logs.clone())
                .map_err(|error| format!("the server did not start: {error}"))
        });
        server.as_ref().map(|server| server.address.clone()).map_err(Clone::clone)
    }

    fn has_exited(&self) -> Option<Exit> {
        self.server.lock().as_ref()?.as_ref().ok()?.process.has_exited()
    }
}

impl Subject for TutorialServer {
    type Case = Probe;

    const PORT_USER: Option<PortUser> = Some(PortUser::ReferenceServer);

    fn run(
        &self,
        probe: &Arc<Probe>,
        context: &RunContext,
        recorder: &Recorder,
    ) -> Result<CaseRun, Finding> {
        let address = self.address(context).map_err(Finding::SetUpError)?;
        let run = self.bursts.run(probe, &address, recorder);
        if let Some(exit) = self.has_exited() {
            return Err(Finding::Broken(format!("the server ended, with {exit}")));
        }
        run.map_err(|error| match error {
            ProbeError::Connect { .. } => Finding::Broken(error.to_string()),
            ProbeError::NoLife | ProbeError::Endless => Finding::Hung(error.to_string()),
        })
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.program.shown(&context.places, "")
    }

    fn logs(&self, _probe: &Probe) -> Vec<Logs> {
        vec![self.logs.clone()]
    }
}
