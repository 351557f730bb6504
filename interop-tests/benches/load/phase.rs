//! The phase of a load and its counters, shared by all connections of a thread.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::Notify;

use super::Extent;

/// The phases of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Responses are not counted.
    WarmUp,
    /// Responses are counted.
    Measuring,
    /// Responses are not counted, and no calls are started.
    Ending,
}

/// The phase of a load and its counters.
#[derive(Debug)]
pub(super) struct Progress {
    phase: Cell<Phase>,
    /// The number of calls that may still be started.
    left: Cell<u64>,
    /// The number of calls without a response, if the load has a fixed number of calls.
    unanswered: Cell<u64>,
    all_answered: Notify,
    calls: Cell<u64>,
    /// The minimum over all connections of the concurrent streams that the server allows.
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

    /// Whether to start another call. If so, it is counted as started.
    pub(super) fn begins_another(&self) -> bool {
        let left = self.left.get();
        let begins = left > 0 && self.phase.get() != Phase::Ending;
        self.left.set(left - u64::from(begins));
        begins
    }

    /// Counts a correct response with this `latency`.
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

    /// Records the number of concurrent streams that the server allows on a connection.
    pub(super) fn allows(&self, streams: usize) {
        self.allowed.set(self.allowed.get().min(streams));
    }

    pub(super) fn allowed(&self) -> usize {
        self.allowed.get()
    }

    /// Waits for the responses of all calls, if the load has a fixed number of calls.
    pub(super) async fn all_answered(&self) {
        self.all_answered.notified().await;
    }

    /// Takes the number of responses and their latencies.
    pub(super) fn take(&self) -> (u64, Histogram<u64>) {
        (self.calls.take(), self.latencies.replace(latencies()))
    }
}

/// An empty histogram of nanoseconds up to a minute, with three significant digits.
fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap_or_else(|_| unreachable!("bounds"))
}
