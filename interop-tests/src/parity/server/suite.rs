//! The servers of the suite `server-parity`.
//!
//! A server is compared with the response of the reference in the same run, on the same machine. The reference is
//! the tutorial's server on port 50051. The first probe starts it, and it ends before the next user of the port
//! begins.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::capture::recorder::Recorder;
use crate::config::{Peer, Program};
use crate::outcome::{Finding, Grade, Observation, PortUser};
use crate::parity::baseline::{Case, Comparison, RunResult, Side, Subject};
use crate::parity::server::case_run::{self, Admission};
use crate::probe::exchange::PROBES_AT_ONCE;
use crate::probe::quiescence::ProbeError;
use crate::probe::table::Probe;
use crate::process::net::tutorial_port::PORT;
use crate::process::{Exit, Logs, RunContext, RunningServer, ServerConfig, SharedServer};

/// The name of the suite.
pub(crate) const SUITE: &str = "server-parity";

/// The definition of the suite.
#[derive(Debug)]
pub(crate) struct ServerParity;

impl Case for Probe {
    fn name(&self) -> &str {
        self.name()
    }

    fn also(&self) -> &[Observation] {
        self.also()
    }

    fn description(&self) -> String {
        self.description()
    }

    fn grade(&self) -> Grade {
        self.grade
    }
}

impl Comparison for ServerParity {
    const SUITE: &'static str = SUITE;
    const GOLDENS: &'static str = SUITE;
    const RECORDED_AT_ONCE: usize = PROBES_AT_ONCE;
    const SIDE: Side = Side::Server;

    type Case = Probe;
    type Subject = Server;
    type Reference = TutorialServer;

    fn subject(peer: &Peer, folder: &Path) -> Option<Server> {
        let (program, log) = (peer.server.clone()?, folder.join("server"));
        let process = SharedServer::new(program, &log, ServerConfig::default());
        let is_attached = peer.attached_server().is_some();
        Some(Server { process, is_attached, admission: Admission::default() })
    }

    fn reference(peer: &Peer, folder: &Path) -> Option<TutorialServer> {
        Some(TutorialServer {
            program: peer.server_program.clone()?,
            logs: Logs::at(&folder.join("server")),
            server: Arc::default(),
            admission: Admission::default(),
        })
    }
}

/// A server that is compared.
#[derive(Debug)]
pub(crate) struct Server {
    process: SharedServer,
    is_attached: bool,
    admission: Admission,
}

impl Subject for Server {
    type Case = Probe;

    fn prepare(&self, context: &RunContext) -> Result<(), Finding> {
        let address = self.process.address(context).map_err(Finding::SetUpError)?;
        if address.starts_with("unix:") {
            let why = format!("probes need TCP, but the server is attached at {address}");
            return Err(Finding::NotSupported(why));
        }
        Ok(())
    }

    fn run(&self, probe: &Arc<Probe>, context: &RunContext, recorder: &Recorder) -> RunResult {
        let address = self.process.address(context).map_err(Finding::SetUpError)?;
        let run = case_run::run(probe, &address, &self.admission, recorder);
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
    Finding::Broken(format!("the server exited during this probe, {how}"))
}

/// A server program that listens on port 50051.
#[derive(Debug)]
pub(crate) struct TutorialServer {
    program: Program,
    logs: Logs,
    server: Arc<Mutex<Option<Result<RunningServer, String>>>>,
    admission: Admission,
}

impl TutorialServer {
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

    fn run(&self, probe: &Arc<Probe>, context: &RunContext, recorder: &Recorder) -> RunResult {
        let address = self.address(context).map_err(Finding::SetUpError)?;
        let run = case_run::run(probe, &address, &self.admission, recorder);
        if let Some(exit) = self.has_exited() {
            return Err(Finding::Broken(format!("the server exited with {exit}")));
        }
        run.map_err(|error| match error {
            ProbeError::Connect { .. } => Finding::Broken(error.to_string()),
            ProbeError::Unresponsive | ProbeError::Endless => Finding::Hung(error.to_string()),
        })
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.program.shown(&context.places, "")
    }

    fn logs(&self, _probe: &Probe) -> Vec<Logs> {
        vec![self.logs.clone()]
    }
}
