//! The resources that all trials of a run share: directories, logs, addresses, permits and certificates.
//!
//! They are passed to every trial rather than kept in globals, so that several runs can exist in one process.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use tempfile::NamedTempFile;

use crate::config::Places;
use crate::output::err;
use crate::output::file::Unwritten;
use crate::process::net::held_port::HeldPort;
use crate::process::net::tutorial_port::{PORT, PortQueue};
use crate::process::net::{addresses::Addresses, certificates::Certificates};
use crate::process::{child, limits, semaphore::Semaphore, suspension::Suspensions};

/// The shared resources of a run.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) places: Places,
    /// The folder for logs.
    pub(crate) logs: PathBuf,
    pub(crate) port_queue: PortQueue,
    /// The permits for CPU-bound trials. The number of threads is not a suitable limit, because many trials mostly
    /// wait, and more of these run at once than there are processors.
    pub(crate) busy_permits: Semaphore,
    pub(crate) certificates: Certificates,
    pub(crate) addresses: Addresses,
    pub(crate) suspensions: Suspensions,
    /// Keeps the port of the tutorial from being chosen for another socket of this run.
    _tutorial_port: Option<HeldPort>,
}

impl RunContext {
    /// The context of a run whose logs go to `logs`.
    pub(crate) fn new(places: Places, logs: PathBuf, busy_permits: Semaphore) -> io::Result<Self> {
        let certificates = Certificates::new(logs.with_file_name("certificates"));
        // It fails if the port is in use, which is reported if a trial needs it.
        let held_port = HeldPort::hold(PORT).ok();
        let (port_queue, addresses) = (PortQueue::default(), Addresses::open()?);
        Ok(Self {
            places,
            logs,
            port_queue,
            busy_permits,
            certificates,
            addresses,
            suspensions: Suspensions::watch()?,
            _tutorial_port: held_port,
        })
    }

    /// Prepares the system for a run that uses `ports` ports: limits, a folder for Unix sockets, and the folder for logs.
    /// What is not sufficient is reported once here, instead of by each trial that needs it.
    pub(crate) fn prepare(&self, ports: usize) -> anyhow::Result<()> {
        for notice in limits::prepare(ports)? {
            err!("interop: {notice}");
        }
        self.addresses.socket_folder().map_err(anyhow::Error::msg)?;
        self.empty_logs()
    }

    /// Why the logs are not complete, if so. Programs write to their logs themselves, so a full disk is only noticed by
    /// writing again.
    pub(crate) fn incomplete_log(&self) -> Option<Unwritten> {
        let attempt = || NamedTempFile::new_in(&self.logs)?.write_all(&[0; 4096]);
        let known = child::first_log_error();
        known.or_else(|| attempt().err().map(|error| Unwritten::new(&self.logs, error)))
    }

    /// Empties the folder for logs, or creates it.
    fn empty_logs(&self) -> anyhow::Result<()> {
        let logs = self.logs.display();
        if self.logs.exists() {
            std::fs::remove_dir_all(&self.logs)
                .with_context(|| format!("cannot remove the old logs in {logs}"))?;
        }
        std::fs::create_dir_all(&self.logs)
            .with_context(|| format!("cannot create the folder for logs, {logs}"))
    }
}
