//! The servers of one peer, each shared by all cases with the same configuration.
//!
//! Starting a server takes longer than the calls of most cases, so a server runs until the last case that may need it
//! has ended. If a server exits, the next case starts it again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::{Capability, Program};
use crate::process::server::{RunningServer, ServerConfig};
use crate::process::{
    child::Logs, context::RunContext, liveness, net::addresses, restart_limit::RestartLimit,
};

/// The servers of a peer, by the names of their configurations.
#[derive(Debug)]
pub(crate) struct ServerPool {
    peer: String,
    program: Program,
    logs: PathBuf,
    servers: Mutex<BTreeMap<String, Arc<SharedServer>>>,
}

impl ServerPool {
    /// The servers of `peer` for the suite `calls`. Logs go to `folder`.
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

    /// The reason why the peer does not support this configuration with these `capabilities`, if it does not.
    /// `is_dedicated` is whether the case kills or measures the server.
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

/// A server that cases share: one that the tool starts, or an attached one.
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
    /// Of an attached server: whether the last check succeeded. It is not checked again before it fails, because
    /// every connection may trigger a breakpoint in a debugger.
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
        let how = line.map(|line| format!("; interop would have started it with {line}"));
        Some(format!("attached at {address}{}", how.unwrap_or_default()))
    }

    /// The address of the server. Starts the server if it is not running.
    pub(crate) fn address(&self, context: &RunContext) -> Result<String, String> {
        let State { running, limit, is_alive } = &mut *self.state.lock();
        if let Some(address) = &self.program.attach {
            if !*is_alive {
                liveness::check(&address.to_string(), false).map_err(|error| {
                    format!(
                        "the server that is attached at {address} exited in an earlier case and does not \
                         respond ({error}); start it again"
                    )
                })?;
                *is_alive = true;
            }
            return Ok(address.to_string());
        }
        match running.take().map(|server| (server.process.has_exited(), server)) {
            Some((None, server)) => return Ok(running.insert(server).address.clone()),
            Some((Some(exit), _)) => limit.failed(format!("the server exited with {exit}")),
            None => {}
        }
        limit.check()?;
        let server = self.start_anywhere(context);
        let server = server.inspect_err(|why| limit.failed(why.clone()))?;
        Ok(running.insert(server).address.clone())
    }

    /// Starts another server of this program and configuration, at an address that has not been used in this run.
    pub(crate) fn start_anywhere(&self, context: &RunContext) -> Result<RunningServer, String> {
        let port = || if self.program.chooses_port() { Ok(0) } else { addresses::fresh_port() };
        let address = self.config.address(port, context)?;
        self.start(&address, context)
    }

    /// Starts another server of this program and configuration at `address`.
    pub(crate) fn start(
        &self,
        address: &str,
        context: &RunContext,
    ) -> Result<RunningServer, String> {
        let start = |program| {
            let (transport, logs) = (self.config.transport, self.logs.clone());
            RunningServer::start_with(transport, &program, &context.places, address, logs)
                .map_err(|error| error.to_string())
        };
        let program = self.config.apply_to(&self.program, context);
        program.and_then(start).map_err(|why| format!("the server did not start: {why}"))
    }

    /// How the server exited, if it is known to have exited.
    pub(crate) fn has_exited(&self) -> Option<String> {
        let exit = self.state.lock().running.as_ref()?.process.has_exited()?;
        Some(format!("with {exit}"))
    }

    /// How the server exited, if it has. A server that is alive may be restarted as often as a new one.
    pub(crate) fn is_gone(&self) -> Option<String> {
        let mut state = self.state.lock();
        if let Some(address) = &self.program.attach {
            let error = liveness::check(&address.to_string(), false).err()?;
            state.is_alive = false;
            return Some(format!(
                "and no server responds at {address}, where it was attached: {error}"
            ));
        }
        let State { running, limit, .. } = &mut *state;
        let exit = running.as_mut()?.exit(self.config.transport.is_encrypted());
        if exit.is_none() {
            limit.worked();
        }
        Some(format!("with {}", exit?))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tempfile::TempDir;

    use super::*;
    use crate::config::Places;
    use crate::config::{Transport, Variant};
    use crate::process::semaphore::Semaphore;

    /// A pool of servers that are shell scripts and report `port`.
    fn pool(script: &str, port: u16, more: &str) -> (ServerPool, RunContext, TempDir) {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let script = toml::Value::from(format!("echo port {port}; {script}"));
        let program =
            format!("command = ['sh', '-c', {script}]\nport = 0\nready = 'port {{port}}'\n{more}");
        let program: Program = toml::from_str(&program).expect("the program is invalid");
        let places = Places::new(Some(folder.path().to_owned()), folder.path().to_owned());
        let logs = folder.path().join("logs");
        let context =
            RunContext::new(places, logs.clone(), Semaphore::new(1)).expect("cannot reserve ports");
        (ServerPool::new("shell", &program, &logs), context, folder)
    }

    fn plain() -> ServerConfig {
        ServerConfig::default()
    }

    #[test]
    fn cases_with_the_same_configuration_share_a_server() {
        let (pool, context, _folder) = pool("cat", 7, "options = { tls = [] }");
        let tls = Variant { transport: Transport::Tls, ..Variant::default() };
        let server = pool.server(plain());
        assert!(Arc::ptr_eq(&server, &pool.server(plain())));
        assert!(!Arc::ptr_eq(&server, &pool.server(ServerConfig::new(tls, None))));
        let pid = || server.state.lock().running.as_ref().map(|server| server.process.pid());
        assert_eq!(pid(), None, "it is started when its address is needed");
        assert_eq!(server.address(&context).as_deref(), Ok("127.0.0.1:7"));
        let first = pid();
        assert!(first.is_some());
        server.address(&context).expect("it is not running");
        assert_eq!(pid(), first);
        assert_eq!(server.has_exited(), None);
    }

    #[test]
    fn a_server_that_ends_is_replaced_until_it_is_given_up() {
        let (pool, context, _folder) = pool("exit 3", 7, "");
        let server = pool.server(plain());
        for _ in 0..3 {
            server.address(&context).expect("it did not start");
            assert_eq!(server.is_gone().as_deref(), Some("with status 3"));
            assert_eq!(server.has_exited().as_deref(), Some("with status 3"));
        }
        let error = server.address(&context).expect_err("it is given up");
        let expected = "the server failed 3 times in a row and is not started again; the last failure: the \
                        server exited with status 3";
        assert_eq!(error, expected);
    }

    #[test]
    fn the_reason_why_a_server_does_not_start_is_reported() {
        let (pool, context, _folder) = pool("cat", 7, "start_limit_ms = 20");
        let server = pool.server(plain());
        let missing = ServerConfig { transport: Transport::Mtls, ..plain() };
        let error = pool.server(missing).address(&context).expect_err("it has no such option");
        assert_eq!(error, "the server did not start: the peers file has no option `mtls` for it");
        let another = server.start("127.0.0.1:9", &context).expect_err("it has another port");
        assert!(another.starts_with("the server did not start: it listens at"), "{another}");
    }

    #[test]
    fn an_attached_server_may_exit_and_be_restarted() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("cannot reserve a port");
        let address = listener.local_addr().expect("the socket has no address");
        let (_, context, _folder) = pool("cat", 7, "");
        let program =
            Program::attached(address.to_string().try_into().expect("the address is invalid"));
        let server = SharedServer::new(program, &context.logs, plain());
        assert_eq!(server.address(&context), Ok(address.to_string()));
        assert_eq!(server.is_gone(), None, "it accepts, as in a debugger");
        drop(listener);
        assert_eq!(server.address(&context), Ok(address.to_string()), "it is not checked again");
        let why = server.is_gone().expect("it has not exited");
        assert!(why.starts_with(&format!("and no server responds at {address}")), "{why}");
        let error = server.address(&context).expect_err("it has not come back");
        assert!(error.contains("exited in an earlier case and does not respond"), "{error}");
        let _listener = TcpListener::bind(address).expect("the same port");
        assert_eq!(server.address(&context), Ok(address.to_string()));
    }
}
