//! The part of the suite `client-parity` that is about client programs, as a person runs them.
//!
//! The reference takes longer to start than everything else takes. So it is not compared with itself:
//! that it does the same again is verified when goldens are recorded. And mostly goldens replace it.

use std::path::Path;
use std::sync::Arc;

use crate::config::Peer;
use crate::outcome::TrialName;
use crate::parity::baseline::{Comparison, Side};
use crate::parity::client::programs::run::{ClientProgram, ProgramCase};
use crate::parity::client::suite;
use crate::parity::client::table::PROGRAM_PREFIX;

/// The comparison of client programs.
#[derive(Debug)]
pub(crate) struct ClientPrograms;

impl Comparison for ClientPrograms {
    const SUITE: &'static str = suite::SUITE;
    const GOLDENS: &'static str = "client-programs";
    /// Programs that wait leave their place to others.
    const RECORDED_AT_ONCE: usize = 16;
    const SIDE: Side = Side::Client;
    const COMPARES_REFERENCE: bool = false;

    type Case = ProgramCase;
    type Subject = ClientProgram;
    type Reference = ClientProgram;

    fn subject(
        peer: &Peer,
        _reference: Option<&Arc<ClientProgram>>,
        folder: &Path,
    ) -> Option<Arc<ClientProgram>> {
        Self::reference(peer, folder).map(Arc::new)
    }

    fn reference(peer: &Peer, folder: &Path) -> Option<ClientProgram> {
        let program = peer.client_program.clone()?;
        Some(ClientProgram { program, folder: folder.to_owned() })
    }
}

/// Whether a trial is about a client program.
pub(crate) fn is_of(trial: &TrialName) -> bool {
    trial.suite == suite::SUITE && trial.case.starts_with(PROGRAM_PREFIX)
}
