//! The reference server: the document's, unmodified, on the document's port.
//!
//! It is started by the first probe that asks and ends with the last one that might; each probe is
//! played at it once, however many servers are compared with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::crowd::Crowd;
use super::observation::Observation;
use super::probe::Probe;
use crate::harness::document_port::{Lease, PORT};
use crate::harness::finding::Finding;
use crate::harness::process::Logs;
use crate::harness::program::Program;
use crate::harness::server::RunningServer;
use crate::harness::setting::Setting;

type Once = Arc<OnceLock<Result<Observation, Finding>>>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Reference {
    program: Program,
    logs: Logs,
    server: Mutex<Option<Result<Running, String>>>,
    crowd: Crowd,
    observations: Mutex<BTreeMap<String, Once>>,
}

/// The server ends before its port is given back.
#[derive(Debug)]
struct Running {
    server: RunningServer,
    _port: Lease,
}

impl Reference {
    pub(crate) fn new(program: Program, logs: Logs) -> Self {
        Self {
            program,
            logs,
            server: Mutex::default(),
            crowd: Crowd::default(),
            observations: Mutex::default(),
        }
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

    fn has_exited(&self) -> Option<crate::harness::process::Exit> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref()?.as_ref().ok()?.server.process.has_exited()
    }
}
