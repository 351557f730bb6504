//! How far a load is, and what has been counted: shared by all connections of one thread.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::Notify;

use super::Extent;

/// What an answer that comes now counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing.
    WarmUp,
    /// It is counted.
    Measuring,
    /// Nothing, and no other call is begun.
    Ending,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Progress {
    phase: Cell<Phase>,
    /// Calls that may still be begun.
    left: Cell<u64>,
    /// Calls that have not been answered yet, of those that there are to be.
    unanswered: Cell<u64>,
    all_answered: Notify,
    calls: Cell<u64>,
    /// The fewest calls at once that the server allows on a connection.
    allowed: Cell<usize>,
    latencies: RefCell<Histogram<u64>>,
}

impl Progress {
    pub(super) fn new(extent: Extent) -> Self {
        let (phase, calls) = match extent {
            Extent::Time { .. } => (Phase::WarmUp, u64::MAX),
            Extent::Calls(calls) => (Phase::Measuring, calls),
        };
        Self {
            phase: Cell::new(phase),
            left: Cell::new(calls),
            unanswered: Cell::new(calls),
            all_answered: Notify::new(),
            calls: Cell::new(0),
            allowed: Cell::new(usize::MAX),
            latencies: RefCell::new(latencies()),
        }
    }

    pub(super) fn set(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// Whether another call is to be begun; it counts as begun then.
    pub(super) fn begins_another(&self) -> bool {
        let left = self.left.get();
        let begins = left > 0 && self.phase.get() != Phase::Ending;
        self.left.set(left - u64::from(begins));
        begins
    }

    /// Counts a right answer that took so long.
    pub(super) fn answered(&self, latency: Duration) {
        if self.phase.get() == Phase::Measuring {
            self.calls.set(self.calls.get() + 1);
            let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
            self.latencies.borrow_mut().saturating_record(nanoseconds);
        }
        let unanswered = self.unanswered.get() - 1;
        self.unanswered.set(unanswered);
        if unanswered == 0 {
            self.all_answered.notify_one();
        }
    }

    /// Takes note of how many calls at once the server allows on a connection.
    pub(super) fn allows(&self, streams: usize) {
        self.allowed.set(self.allowed.get().min(streams));
    }

    pub(super) fn allowed(&self) -> usize {
        self.allowed.get()
    }

    /// Waits until all calls that there are to be have been answered.
    pub(super) async fn all_answered(&self) {
        self.all_answered.notified().await;
    }

    /// What has been counted.
    pub(super) fn take(&self) -> (u64, Histogram<u64>) {
        (self.calls.take(), self.latencies.replace(latencies()))
    }
}

/// A histogram of nanoseconds, of which three digits count, up to a minute.
fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap_or_else(|_| unreachable!("bounds"))
}
