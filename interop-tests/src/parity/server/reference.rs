//! The reference server: the document's, unmodified, on the document's port.
//!
//! It is started by the first probe that asks and ends with the last one that might; each probe is
//! played at it once, however many servers are compared with it.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::config::program::Program;
use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;
use crate::outcome::trial::PortUser;
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::reference_cache::Memory;
use crate::parity::baseline::versions::Versions;
use crate::parity::server::case_run::BurstLock;
use crate::parity::server::probe::Probe;
use crate::parity::server::quiescence::ProbeError;
use crate::process::child::{Exit, Logs};
use crate::process::context::RunContext;
use crate::process::net::tutorial_port::PORT;
use crate::process::server::RunningServer;

/// See the module.
#[derive(Debug)]
pub(crate) struct ReferenceServer {
    name: String,
    program: Program,
    logs: Logs,
    versions: Versions,
    server: Arc<Mutex<Option<Result<RunningServer, String>>>>,
    crowd: BurstLock,
    memory: Memory,
}

impl ReferenceServer {
    /// The reference that `peer` is, with its logs in `folder`; none without a server program.
    pub(crate) fn new(peer: &Peer, folder: &Path) -> Option<Self> {
        Some(Self {
            name: peer.name().to_owned(),
            program: peer.server_program.clone()?,
            logs: Logs::at(&folder.join("reference")),
            versions: Versions::of(peer, folder),
            server: Arc::default(),
            crowd: BurstLock::default(),
            memory: Memory::default(),
        })
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Plays `probe`, whatever has been played before.
    pub(crate) fn put(&self, probe: &Probe, context: &RunContext) -> Result<Observation, Finding> {
        let address = self.address(context).map_err(Finding::SetUpError)?;
        let played = self.crowd.run(probe, &address, &Recorder::default());
        if let Some(exit) = self.has_exited() {
            return Err(Finding::SetUpError(format!("the reference ended, with {exit}")));
        }
        played.map(|played| played.observation).map_err(|error| {
            let why = format!("the reference: {error}");
            match error {
                ProbeError::Connect { .. } => Finding::SetUpError(why),
                ProbeError::NoLife | ProbeError::Endless => Finding::ReferenceHung(why),
            }
        })
    }

    fn address(&self, context: &RunContext) -> Result<String, String> {
        context.port_queue.stop_after_turn(Arc::clone(&self.server) as _);
        let mut server = self.server.lock();
        let server = server.get_or_insert_with(|| {
            RunningServer::start_on(&self.program, &context.places, PORT, self.logs.clone())
                .map_err(|error| format!("the reference did not start: {error}"))
        });
        server.as_ref().map(|server| server.address.clone()).map_err(Clone::clone)
    }

    fn has_exited(&self) -> Option<Exit> {
        self.server.lock().as_ref()?.as_ref().ok()?.process.has_exited()
    }
}

impl Reference for ReferenceServer {
    type Case = Probe;

    const PORT_USER: Option<PortUser> = Some(PortUser::ReferenceServer);

    fn name(&self) -> &str {
        &self.name
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.program.command_line(&context.places, "").ok().map(|line| line.to_string())
    }

    fn observation(
        &self,
        probe: &Arc<Probe>,
        context: &RunContext,
    ) -> Result<Observation, Finding> {
        self.memory.recall(probe.name(), || self.observe(probe, context))
    }

    fn observe(&self, probe: &Arc<Probe>, context: &RunContext) -> Result<Observation, Finding> {
        self.put(probe, context)
    }

    fn versions(&self, context: &RunContext) -> Result<Vec<String>, String> {
        self.versions.lines(context)
    }
}
