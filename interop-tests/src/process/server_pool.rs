//! The servers of one peer: one for each way in which they are arranged, started when the first case
//! needs it and shared by all pairings.
//!
//! To start one takes longer than all calls of most cases.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::capability::Capability;
use crate::config::program::Program;
use crate::process::server_config::ServerConfig;
use crate::process::server_slot::ServerSlot;

/// See the module.
#[derive(Debug)]
pub(crate) struct ServerPool {
    peer: String,
    program: Program,
    logs: PathBuf,
    slots: Mutex<BTreeMap<String, Arc<ServerSlot>>>,
}

impl ServerPool {
    /// The servers of `peer`, with their logs in `folder`.
    pub(crate) fn new(peer: &str, program: &Program, folder: &Path) -> Self {
        let (peer, program, logs) = (peer.to_owned(), program.for_calls(), folder.to_owned());
        Self { peer, program, logs, slots: Mutex::default() }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The server that is arranged so.
    pub(crate) fn slot(&self, arrangement: ServerConfig) -> Arc<ServerSlot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let name = arrangement.name();
        let log = self.logs.join(format!("server-{name}"));
        let new = || Arc::new(ServerSlot::arranged(self.program.clone(), &log, arrangement));
        Arc::clone(slots.entry(name).or_insert_with(new))
    }

    /// Why a server that is arranged so cannot have these, or be a scenario's own, if it cannot.
    pub(crate) fn not_supported(
        &self,
        arrangement: &ServerConfig,
        capabilities: &BTreeSet<Capability>,
        is_own: bool,
    ) -> Option<String> {
        arrangement.unsupported(&self.peer, &self.program, capabilities, is_own)
    }
}
