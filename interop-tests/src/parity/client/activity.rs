//! Signs of life: whether anything happens between a client and the scripted server.
//!
//! A client without a deadline may wait for ever, and nobody can see that it does; but as long as
//! something happens, or the script is about to go on by itself, there is something to wait for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// See the module; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    beats: AtomicU64,
    rests_until: Mutex<Option<Instant>>,
}

impl Activity {
    /// Something has happened.
    pub(crate) fn beat(&self) {
        self.0.beats.fetch_add(1, Ordering::SeqCst);
    }

    /// The script goes on by itself at `time`.
    pub(crate) fn rests_until(&self, time: Instant) {
        let mut latest = self.0.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = (*latest).max(Some(time));
    }
}

/// For how many turns in a row nothing has happened.
///
/// Whoever waits counts his own turns and does not look at the clock: where the machine is so busy
/// that he gets few of them, the client got few of its own.
#[derive(Debug)]
pub(crate) struct Quiescence {
    pulse: Activity,
    beats: u64,
    turns: u32,
}

impl Quiescence {
    pub(crate) fn of(pulse: &Activity) -> Self {
        Self { pulse: pulse.clone(), beats: 0, turns: 0 }
    }

    /// Takes another turn.
    pub(crate) fn turn(&mut self) -> u32 {
        let beats = self.pulse.0.beats.load(Ordering::SeqCst);
        let rests = *self.pulse.0.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        let is_still =
            beats == self.beats && rests.is_none_or(|rests_until| rests_until < Instant::now());
        self.beats = beats;
        self.turns = if is_still { self.turns + 1 } else { 0 };
        self.turns
    }
}
