//! The servers of one peer, each shared by all cases that need the same configuration.
//!
//! To start a server takes longer than all calls of most cases, so a server runs until the last case that
//! may need it has ended. One that dies is replaced by the next case.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::config::capability::Capability;
use crate::config::program::Program;
use crate::process::attached;
use crate::process::child::Logs;
use crate::process::context::RunContext;
use crate::process::liveness;
use crate::process::restart_limit::RestartLimit;
use crate::process::server::RunningServer;
use crate::process::server_config::ServerConfig;

/// How long a server may take to end after it has closed its connections.
const EXIT_LIMIT: Duration = Duration::from_secs(5);

/// The servers of a peer by the names of their configurations.
#[derive(Debug)]
pub(crate) struct ServerPool {
    peer: String,
    program: Program,
    logs: PathBuf,
    servers: Mutex<BTreeMap<String, Arc<SharedServer>>>,
}

impl ServerPool {
    /// The servers of `peer` as the suite `calls` starts them, with their logs in `folder`.
    pub(crate) fn new(peer: &str, program: &Program, folder: &Path) -> Self {
        let (peer, program, logs) = (peer.to_owned(), program.for_calls(), folder.to_owned());
        Self { peer, program, logs, servers: Mutex::default() }
    }

    /// The server with this configuration.
    pub(crate) fn server(&self, config: ServerConfig) -> Arc<SharedServer> {
        let name = config.name();
        let log = self.logs.join(format!("server-{name}"));
        let new = || Arc::new(SharedServer::new(self.program.clone(), &log, config));
        Arc::clone(self.servers.lock().entry(name).or_insert_with(new))
    }

    /// Why no server with this configuration can be used for a case, if none can. A dedicated server is
    /// killed or measured.
    pub(crate) fn not_supported(
        &self,
        config: &ServerConfig,
        capabilities: &BTreeSet<Capability>,
        is_dedicated: bool,
    ) -> Option<String> {
        let (Self { peer, program, .. }, ServerConfig { transport, needs }) = (self, config);
        program.unsupported_by_server(peer, *transport, needs, capabilities, is_dedicated)
    }
}

/// A server on a port or a socket of its own, or one that is attached.
#[derive(Debug)]
pub(crate) struct SharedServer {
    program: Program,
    pub(crate) config: ServerConfig,
    pub(crate) logs: Logs,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    running: Option<RunningServer>,
    limit: RestartLimit,
    /// Of an attached server: every connection may stop a debugger, so that nothing is checked as long as this is
    /// set.
    is_alive: bool,
}

impl SharedServer {
    /// A server that is started when its address is first needed.
    pub(crate) fn new(program: Program, log: &Path, config: ServerConfig) -> Self {
        let state = State { running: None, limit: RestartLimit::new("server"), is_alive: false };
        Self { program, config, logs: Logs::at(log), state: Mutex::new(state) }
    }

    /// The command line that starts the server, or the address at which it is attached.
    pub(crate) fn command(&self, context: &RunContext) -> Option<String> {
        let attached = self.program.attach.as_ref().map(ToString::to_string);
        let address = attached.as_deref().unwrap_or(self.config.example_address());
        let program = self.config.apply_to(&self.program, context).ok();
        let line = program.and_then(|program| program.shown(&context.places, address));
        let Some(address) = attached else { return line };
        let how = line.map(|line| format!("; the tool would have started {line}"));
        Some(format!("attached at {address}{}", how.unwrap_or_default()))
    }

    /// The address of the server, which is started if it does not run.
    pub(crate) fn address(&self, context: &RunContext) -> Result<String, String> {
        let State { running, limit, is_alive } = &mut *self.state.lock();
        if let Some(address) = &self.program.attach {
            if !*is_alive {
                attached::check(address).map_err(|error| {
                    format!(
                        "the server that was attached at {address} went away in an earlier case and \
                         has not come back ({error}): start it again"
                    )
                })?;
                *is_alive = true;
            }
            return Ok(address.to_string());
        }
        match running.take().map(|server| (server.process.has_exited(), server)) {
            Some((None, server)) => return Ok(running.insert(server).address.clone()),
            Some((Some(exit), _)) => limit.failed(format!("the server ended with {exit}")),
            None => {}
        }
        limit.check()?;
        let address = self.config.address(|| Ok(0), context);
        let server = address.and_then(|address| self.start(&address, context));
        let server = server.inspect_err(|why| limit.failed(why.clone()))?;
        Ok(running.insert(server).address.clone())
    }

    /// Starts another server of this program and configuration at `address`.
    pub(crate) fn start(
        &self,
        address: &str,
        context: &RunContext,
    ) -> Result<RunningServer, String> {
        let start = |program| {
            RunningServer::start(&program, &context.places, address, self.logs.clone())
                .map_err(|error| error.to_string())
        };
        let program = self.config.apply_to(&self.program, context);
        program.and_then(start).map_err(|why| format!("the server did not start: {why}"))
    }

    /// How the server ended, if it is known to have.
    pub(crate) fn has_exited(&self) -> Option<String> {
        let exit = self.state.lock().running.as_ref()?.process.has_exited()?;
        Some(format!("with {exit}"))
    }

    /// How the server ended, if it is gone.
    ///
    /// The kernel closes the connections of a process before it reports its end. So a server that does not
    /// answer is given some time to end.
    pub(crate) fn is_gone(&self) -> Option<String> {
        let mut state = self.state.lock();
        if let Some(address) = &self.program.attach {
            let error = attached::check(address).err()?;
            state.is_alive = false;
            return Some(format!(
                "and nobody answers at {address}, where it was attached: {error}"
            ));
        }
        let server = state.running.as_mut()?;
        let exit = match liveness::check(&server.address, self.config.transport.is_encrypted()) {
            Ok(()) => server.process.has_exited(),
            Err(_) => server.process.wait(EXIT_LIMIT, &mut String::new()),
        };
        Some(format!("with {}", exit?))
    }
}
