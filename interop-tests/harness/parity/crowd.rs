//! The probes that are at one server at the same time.
//!
//! A burst is there alone: what it does to the server would show in the answers to the others, and
//! theirs in its own.

use std::sync::{PoisonError, RwLock};

use super::patience::ProbeError;
use super::play::{self, Played};
use super::probe::Probe;
use crate::harness::trace::tape::Tape;

/// One for each server.
#[derive(Debug, Default)]
pub(crate) struct Crowd(RwLock<()>);

impl Crowd {
    /// Plays `probe` at the server at `address` when there is room for it.
    pub(crate) fn play(
        &self,
        probe: &Probe,
        address: &str,
        tape: &Tape,
    ) -> Result<Played, ProbeError> {
        if probe.is_burst() {
            let _alone = self.0.write().unwrap_or_else(PoisonError::into_inner);
            play::play(probe, address, tape)
        } else {
            let _among_others = self.0.read().unwrap_or_else(PoisonError::into_inner);
            play::play(probe, address, tape)
        }
    }
}
