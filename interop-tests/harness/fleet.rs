//! The servers of one peer: one for each transport, started when the first case needs it and shared by
//! all pairings.

use std::collections::BTreeMap;
use std::path::Path;

use super::arrangement::Arrangement;
use super::program::Program;
use super::scenario::axes::{Transport, Variant};
use super::slot::ServerSlot;

/// See the module.
#[derive(Debug)]
pub(crate) struct Fleet {
    peer: String,
    program: Program,
    slots: BTreeMap<Transport, ServerSlot>,
}

impl Fleet {
    /// The servers of `peer`, with their logs in `folder`.
    pub(crate) fn new(peer: &str, program: &Program, folder: &Path) -> Self {
        let slot = |transport: Transport| {
            let log = match transport {
                Transport::Plain => folder.join("server"),
                _ => folder.join(format!("server-{}", transport.name())),
            };
            let variant = Variant { transport, ..Variant::default() };
            let arrangement = Arrangement::new(variant, None);
            (transport, ServerSlot::arranged(program.clone(), &log, arrangement))
        };
        let slots = Transport::ALL.into_iter().map(slot).collect();
        Self { peer: peer.to_owned(), program: program.clone(), slots }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The server that serves over this transport.
    pub(crate) fn slot(&self, transport: Transport) -> &ServerSlot {
        &self.slots[&transport]
    }

    /// Why a server cannot be arranged so, if it cannot.
    pub(crate) fn not_supported(&self, arrangement: &Arrangement) -> Option<String> {
        let option = arrangement.missing(&self.program)?.name();
        Some(format!("the server of {} has no option `{option}`", self.peer))
    }
}
