//! What all trials of a run share: directories, the folder for logs, the addresses and the permits.
//!
//! Passed to every trial instead of kept in globals, so that two runs can work side by side.

use std::io;
use std::path::PathBuf;

use anyhow::Context;

use crate::config::Places;
use crate::process::net::addresses::Addresses;
use crate::process::net::certificates::Certificates;
use crate::process::net::tutorial_port::PortQueue;
use crate::process::semaphore::Semaphore;

/// The shared resources of a run.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) places: Places,
    /// The folder for logs.
    pub(crate) logs: PathBuf,
    pub(crate) port_queue: PortQueue,
    /// One permit for each trial that keeps a processor busy. The number of threads is no such limit,
    /// because some trials wait for seconds, and more of those run side by side than there are processors.
    pub(crate) busy_permits: Semaphore,
    pub(crate) certificates: Certificates,
    pub(crate) addresses: Addresses,
}

impl RunContext {
    pub(crate) fn new(places: Places, logs: PathBuf, busy_permits: Semaphore) -> io::Result<Self> {
        let certificates = Certificates::new(logs.with_file_name("certificates"));
        let (port_queue, addresses) = (PortQueue::default(), Addresses::open()?);
        Ok(Self { places, logs, port_queue, busy_permits, certificates, addresses })
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
}
