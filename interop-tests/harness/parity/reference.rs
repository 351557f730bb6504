//! The reference server: the document's, unmodified, on the document's port.
//!
//! It is started by the first probe that asks and ends with the last one that might; each probe is
//! played at it once, however many servers are compared with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::crowd::Crowd;
use super::observation::Observation;
use super::probe::Probe;
use crate::harness::document_port::{Lease, PORT};
use crate::harness::finding::Finding;
use crate::harness::peer::Peer;
use crate::harness::process::{Exit, Logs, Process};
use crate::harness::program::Program;
use crate::harness::server::RunningServer;
use crate::harness::setting::Setting;

type Once = Arc<OnceLock<Result<Observation, Finding>>>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Reference {
    name: String,
    program: Program,
    versions: Option<Program>,
    logs: Logs,
    versions_logs: Logs,
    server: Mutex<Option<Result<Running, String>>>,
    crowd: Crowd,
    observations: Mutex<BTreeMap<String, Once>>,
    known_versions: OnceLock<Result<Vec<String>, String>>,
}

/// The server ends before its port is given back.
#[derive(Debug)]
struct Running {
    server: RunningServer,
    _port: Lease,
}

impl Reference {
    /// The reference that `peer` is; none without a server program.
    pub(crate) fn new(peer: &Peer, log: &Path) -> Option<Self> {
        Some(Self {
            name: peer.name().to_owned(),
            program: peer.server_program.clone()?,
            versions: peer.versions.clone(),
            logs: Logs::at(log),
            versions_logs: Logs::at(&log.with_file_name("versions")),
            server: Mutex::default(),
            crowd: Crowd::default(),
            observations: Mutex::default(),
            known_versions: OnceLock::new(),
        })
    }

    /// The name of its peer.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// What the reference does when `probe` is played, which happens once.
    pub(crate) fn observation(
        &self,
        probe: &Probe,
        setting: &Setting,
    ) -> Result<Observation, Finding> {
        let once = {
            let mut all = self.observations.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(probe.name().to_owned()).or_default())
        };
        once.get_or_init(|| self.observe(probe, setting)).clone()
    }

    /// Plays `probe`, whether it has been played or not.
    pub(crate) fn observe(&self, probe: &Probe, setting: &Setting) -> Result<Observation, Finding> {
        let address = self.address(setting).map_err(Finding::SetUpError)?;
        let played = self.crowd.play(probe, &address);
        if let Some(exit) = self.has_exited() {
            return Err(Finding::SetUpError(format!("the reference ended, with {exit}")));
        }
        let why = |error| Finding::SetUpError(format!("the reference: {error}"));
        played.map(|played| played.observation).map_err(why)
    }

    /// What it is made of, a line each; the error says why nobody knows.
    pub(crate) fn versions(&self, setting: &Setting) -> Result<Vec<String>, String> {
        self.known_versions.get_or_init(|| self.ask_for_versions(setting)).clone()
    }

    fn ask_for_versions(&self, setting: &Setting) -> Result<Vec<String>, String> {
        const LIMIT: Duration = Duration::from_secs(20);
        let program = self.versions.as_ref().ok_or("its peer has no `versions`")?;
        let command_line = program
            .command_line(&setting.places, "")
            .ok_or("the program that tells the versions is not on this machine")?;
        let mut process = Process::start(&command_line, self.versions_logs.clone())
            .map_err(|error| format!("{command_line} cannot be run: {error}"))?;
        let mut stdout = String::new();
        match process.wait(LIMIT, &mut stdout) {
            Some(Exit::Status(0)) => Ok(stdout.lines().map(str::to_owned).collect()),
            Some(exit) => Err(format!("{command_line} ended with {exit}")),
            None => Err(format!("{command_line} did not end after {LIMIT:?}")),
        }
    }

    fn address(&self, setting: &Setting) -> Result<String, String> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let server = server.get_or_insert_with(|| {
            let port = setting.document_port.lease();
            RunningServer::start_on(&self.program, &setting.places, PORT, self.logs.clone())
                .map(|server| Running { server, _port: port })
                .map_err(|error| format!("the reference did not start: {error}"))
        });
        server.as_ref().map(|running| running.server.address.clone()).map_err(Clone::clone)
    }

    fn has_exited(&self) -> Option<Exit> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref()?.as_ref().ok()?.server.process.has_exited()
    }
}
