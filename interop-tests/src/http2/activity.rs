//! Whether anything still happens on the connections of a scripted server.
//!
//! A client without a deadline may wait forever, and this cannot be seen from outside. But while
//! frames are exchanged, or the script pauses, there is something that it can wait for.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

/// Counts events on connections; clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    events: u64,
    pause_ends: Option<Instant>,
}

impl Activity {
    /// Counts an event: a frame, or a connection that begins or ends.
    pub(crate) fn record(&self) {
        self.0.lock().events += 1;
    }

    /// Announces that the script pauses until `time` and then continues by itself.
    pub(crate) fn pause_until(&self, time: Instant) {
        let mut state = self.0.lock();
        state.pause_ends = state.pause_ends.max(Some(time));
    }
}

/// Counts in how many consecutive checks there was no activity.
///
/// Checks are counted instead of time measured: on a machine so busy that the checks are late, the
/// client is late as well.
#[derive(Debug)]
pub(crate) struct Quiescence {
    activity: Activity,
    events: u64,
    quiet_checks: u32,
}

impl Quiescence {
    pub(crate) fn of(activity: &Activity) -> Self {
        Self { activity: activity.clone(), events: 0, quiet_checks: 0 }
    }

    /// Checks once more; returns the number of consecutive checks without activity.
    pub(crate) fn check(&mut self) -> u32 {
        let State { events, pause_ends } = *self.activity.0.lock();
        let pauses = pause_ends.is_some_and(|end| end >= Instant::now());
        let is_quiet = events == self.events && !pauses;
        self.events = events;
        self.quiet_checks = if is_quiet { self.quiet_checks + 1 } else { 0 };
        self.quiet_checks
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Activity, Quiescence};

    #[test]
    fn an_event_or_a_pause_interrupts_quiescence() {
        let activity = Activity::default();
        let mut quiescence = Quiescence::of(&activity);
        assert_eq!((quiescence.check(), quiescence.check()), (1, 2));
        activity.record();
        assert_eq!((quiescence.check(), quiescence.check()), (0, 1));
        activity.pause_until(Instant::now() + Duration::from_secs(3600));
        assert_eq!((quiescence.check(), quiescence.check()), (0, 0));
    }
}
