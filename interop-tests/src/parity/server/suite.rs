//! The servers of the suite `server-parity`.
//!
//! A server is compared with the response of the reference in the same run, on the same machine. The reference is
//! the tutorial's server on port 50051. The first probe starts it, and it ends before the next user of the port
//! begins.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::{IgnoredMetadata, Peer, Program};
use crate::outcome::{Finding, Grade, Observation, PortUser};
use crate::parity::baseline::{Case, Comparison, Side};
use crate::parity::server::batch::{Batch, ProbedServer};
use crate::probe::exchange::PROBES_AT_ONCE;
use crate::probe::quiescence::ProbeError;
use crate::probe::table::Probe;
use crate::process::net::tutorial_port::PORT;
use crate::process::restart_limit::RestartLimit;
use crate::process::{Logs, RunContext, RunningServer, ServerConfig, SharedServer};

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
    type Subject = Batch<TestServer>;
    type Reference = Batch<TutorialServer>;

    fn subject(peer: &Peer, folder: &Path) -> Option<Self::Subject> {
        let (program, log) = (peer.server.clone()?, folder.join("server"));
        let process = SharedServer::new(program, &log, ServerConfig::default());
        let is_attached = peer.attached_server().is_some();
        Some(Batch::new(TestServer { process, is_attached }, peer.ignored.clone()))
    }

    fn reference(peer: &Peer, folder: &Path) -> Option<Self::Reference> {
        let server = TutorialServer {
            program: peer.server_program.clone()?,
            logs: Logs::at(&folder.join("server")),
            running: Arc::default(),
            limit: Mutex::new(RestartLimit::new("server")),
        };
        Some(Batch::new(server, IgnoredMetadata::default()))
    }
}

/// A server that is compared.
#[derive(Debug)]
pub(crate) struct TestServer {
    process: SharedServer,
    is_attached: bool,
}

impl ProbedServer for TestServer {
    fn address(&self, context: &RunContext) -> Result<String, String> {
        self.process.address(context)
    }

    fn exit(&self) -> Option<String> {
        self.process.is_gone()
    }

    fn finding(error: &ProbeError) -> Finding {
        Finding::Broken(error.to_string())
    }

    fn prepare(&self, context: &RunContext) -> Result<(), Finding> {
        let address = self.address(context).map_err(Finding::SetUpError)?;
        if address.starts_with("unix:") {
            let why = format!("probes need TCP, but the server is attached at {address}");
            return Err(Finding::NotSupported(why));
        }
        Ok(())
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.process.command(context)
    }

    fn logs(&self) -> &Logs {
        &self.process.logs
    }

    fn is_attached(&self) -> bool {
        self.is_attached
    }
}

/// The reference: a server program that listens on port 50051.
#[derive(Debug)]
pub(crate) struct TutorialServer {
    program: Program,
    logs: Logs,
    running: Arc<Mutex<Option<RunningServer>>>,
    limit: Mutex<RestartLimit>,
}

impl ProbedServer for TutorialServer {
    const PORT_USER: Option<PortUser> = Some(PortUser::ReferenceServer);

    fn address(&self, context: &RunContext) -> Result<String, String> {
        let (mut running, mut limit) = (self.running.lock(), self.limit.lock());
        if let Some(server) = &*running {
            match server.process.has_exited() {
                None => return Ok(server.address.clone()),
                Some(exit) => limit.failed(format!("the server exited with {exit}")),
            }
        }
        limit.check()?;
        // It must free the port before another one starts.
        *running = None;
        context.port_queue.stop_after_turn(Arc::clone(&self.running) as _);
        let (places, logs) = (&context.places, self.logs.clone());
        let server = RunningServer::start_on(&self.program, places, PORT, logs);
        let server = server.map_err(|error| format!("the server did not start: {error}"));
        let server = server.inspect_err(|why| limit.failed(why.clone()))?;
        Ok(running.insert(server).address.clone())
    }

    fn exit(&self) -> Option<String> {
        let exit = self.running.lock().as_mut()?.exit(false);
        if exit.is_none() {
            self.limit.lock().worked();
        }
        Some(format!("with {}", exit?))
    }

    fn finding(error: &ProbeError) -> Finding {
        match error {
            ProbeError::Connect { .. } => Finding::Broken(error.to_string()),
            ProbeError::Unresponsive | ProbeError::Endless => Finding::Hung(error.to_string()),
        }
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.program.shown(&context.places, "")
    }

    fn logs(&self) -> &Logs {
        &self.logs
    }
}
