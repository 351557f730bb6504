//! What all trials of a run share: places, the folder for logs, and addresses without a server.
//!
//! Handed to every trial instead of kept in globals, so that two runs can work side by side.

use std::io;
use std::path::PathBuf;

use anyhow::Context;

use crate::config::connection::Target;
use crate::config::places::Places;
use crate::process::net::certificates::Certificates;
use crate::process::net::socket_paths::Sockets;
use crate::process::net::tutorial_port::PortQueue;
use crate::process::net::unreachable::UnreachableAddresses;
use crate::process::semaphore::Semaphore;

/// See the module.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) places: Places,
    /// Where logs go.
    pub(crate) logs: PathBuf,
    pub(crate) port_queue: PortQueue,
    /// Who keeps a processor busy goes through it.
    pub(crate) gate: Semaphore,
    pub(crate) certificates: Certificates,
    pub(crate) sockets: Sockets,
    dead_ends: UnreachableAddresses,
}

impl RunContext {
    pub(crate) fn new(places: Places, logs: PathBuf, gate: Semaphore) -> io::Result<Self> {
        let port_queue = PortQueue::default();
        let certificates = Certificates::new(logs.with_file_name("certificates"));
        let (sockets, dead_ends) = (Sockets::default(), UnreachableAddresses::open()?);
        Ok(Self { places, logs, port_queue, gate, certificates, sockets, dead_ends })
    }

    /// Empties the folder for logs, or makes it.
    pub(crate) fn empty_logs(&self) -> anyhow::Result<()> {
        let logs = self.logs.display();
        if self.logs.exists() {
            std::fs::remove_dir_all(&self.logs)
                .with_context(|| format!("old logs cannot be removed: {logs}"))?;
        }
        std::fs::create_dir_all(&self.logs)
            .with_context(|| format!("logs cannot be written: {logs}"))
    }

    /// The address of `target`, which is `server` for the pairing's own server.
    pub(crate) fn address(&self, target: Target, server: &str) -> io::Result<String> {
        match target {
            Target::Server => Ok(server.to_owned()),
            Target::ClosedPort => self.dead_ends.nobody(),
            Target::SilentPort => self.dead_ends.silence(),
        }
    }
}
