//! The probes that are at one server at the same time.
//!
//! A burst is there alone: what it does to the server would show in the answers to the others, and
//! theirs in its own.

use std::sync::{PoisonError, RwLock};

use crate::capture::recorder::Recorder;
use crate::parity::server::case_run;
use crate::parity::server::case_run::CaseRun;
use crate::parity::server::probe::Probe;
use crate::parity::server::quiescence::ProbeError;

/// One for each server.
#[derive(Debug, Default)]
pub(crate) struct BurstLock(RwLock<()>);

impl BurstLock {
    /// Plays `probe` at the server at `address` when there is room for it.
    pub(crate) fn play(
        &self,
        probe: &Probe,
        address: &str,
        tape: &Recorder,
    ) -> Result<CaseRun, ProbeError> {
        if probe.is_burst() {
            let _alone = self.0.write().unwrap_or_else(PoisonError::into_inner);
            case_run::play(probe, address, tape)
        } else {
            let _among_others = self.0.read().unwrap_or_else(PoisonError::into_inner);
            case_run::play(probe, address, tape)
        }
    }
}
