//! A proxy in front of a server, shared by all cases that call this server through it.
//!
//! A proxy is started with the address of its server, so a server that was started again, at another address, gets a
//! new proxy. It is ready when it speaks HTTP/2 at its address, which all proxies do without a request.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tempfile::TempDir;

use crate::config::{Program, Proxy, ProxySettings};
use crate::process::child::{Exit, Logs, Process};
use crate::process::context::RunContext;
use crate::process::net::addresses;
use crate::process::restart_limit::RestartLimit;
use crate::process::server::RunningServer;

/// A proxy that cases share.
#[derive(Debug)]
pub(crate) struct SharedProxy {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) logs: Logs,
    /// The file of its configuration. It is next to the logs, because it explains failures.
    configuration: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    running: Option<Running>,
    limit: RestartLimit,
}

/// A proxy that forwards to the server at `upstream`.
#[derive(Debug)]
struct Running {
    upstream: String,
    process: RunningServer,
    program: Program,
    /// Where it writes files.
    _folder: TempDir,
}

impl SharedProxy {
    /// A proxy that is started when its address is first needed. Its logs and its configuration go to `folder`.
    pub(crate) fn new(proxy: Arc<Proxy>, folder: &Path) -> Self {
        let logs = Logs::at(&folder.join(&proxy.id));
        let configuration = folder.join(&proxy.configuration_file);
        let state = State { running: None, limit: RestartLimit::new("proxy") };
        Self { proxy, logs, configuration, state: Mutex::new(state) }
    }

    /// Its address, from which it forwards to the server at `upstream`. Starts the proxy if it is not running.
    pub(crate) fn address(&self, upstream: &str, context: &RunContext) -> Result<String, String> {
        let State { running, limit } = &mut *self.state.lock();
        if let Some(proxy) = running.take() {
            match proxy.process.process.has_exited() {
                None if proxy.upstream == upstream => {
                    limit.worked();
                    return Ok(running.insert(proxy).process.address.clone());
                }
                None => {}
                Some(exit) => limit.failed(format!("the proxy exited with {exit}")),
            }
        }
        limit.check()?;
        let started = self
            .start(upstream, context)
            .map_err(|why| format!("the proxy {} did not start: {why}", self.proxy.id));
        let proxy = started.inspect_err(|why| limit.failed(why.clone()))?;
        Ok(running.insert(proxy).process.address.clone())
    }

    fn start(&self, upstream: &str, context: &RunContext) -> Result<Running, String> {
        let port = addresses::fresh_port();
        let port = port.map_err(|error| format!("no free port on 127.0.0.1: {error}"))?;
        let address = format!("127.0.0.1:{port}");
        let folder = tempfile::Builder::new().prefix("interop-proxy-").tempdir();
        let folder = folder.map_err(|error| {
            format!("cannot create a folder in {}: {error}", std::env::temp_dir().display())
        })?;
        let path = folder.path().to_string_lossy();
        let settings = ProxySettings { address: &address, upstream, folder: &path };
        let file = &self.configuration;
        let write = || {
            std::fs::create_dir_all(file.parent().unwrap_or(file))?;
            std::fs::write(file, self.proxy.configured(settings))
        };
        write().map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        let program = self.proxy.program(file, &path);
        let (places, logs) = (&context.places, self.logs.clone());
        let process = RunningServer::start(&program, places, &address, logs);
        let process = process.map_err(|error| error.to_string())?;
        Ok(Running { upstream: upstream.to_owned(), process, program, _folder: folder })
    }

    /// How the proxy exited, if it has.
    pub(crate) fn has_exited(&self) -> Option<String> {
        let exit = self.state.lock().running.as_ref()?.process.process.has_exited()?;
        Some(format!("with {exit}"))
    }

    /// The command line that started it, if it is running.
    pub(crate) fn command(&self, context: &RunContext) -> Option<String> {
        let state = self.state.lock();
        let Running { program, process, .. } = state.running.as_ref()?;
        program.shown(&context.places, &process.address)
    }
}

/// The version of `proxy`: the first line that its program prints. The error is the reason why it is unknown.
pub(crate) fn version(proxy: &Proxy, context: &RunContext) -> Result<String, String> {
    const LIMIT: Duration = Duration::from_secs(10);
    let program = proxy.versions.as_ref().ok_or("its file has no `versions`")?;
    let folder = context.logs.join("proxies");
    let logs = Logs::at(&folder.join(&proxy.id));
    let line = program.command_line(&context.places, "").map_err(|error| error.to_string())?;
    let mut process = Process::start(&line, logs).map_err(|error| format!("{line}: {error}"))?;
    let mut stdout = String::new();
    match process.wait(LIMIT, &mut stdout) {
        Some(Exit::Status(0)) => {}
        Some(exit) => return Err(format!("{line} exited with {exit}")),
        None => return Err(format!("{line} did not exit within {LIMIT:?}")),
    }
    // nginx prints it on stderr.
    let printed = format!("{stdout}\n{}", process.logs.stderr());
    let mut lines = printed.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next().map(str::to_owned).ok_or_else(|| format!("{line} printed nothing"))
}
