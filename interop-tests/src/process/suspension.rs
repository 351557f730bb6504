//! Notices that this process did not run for a while: it was stopped (Ctrl-Z, SIGSTOP), or the machine slept.
//!
//! The peers of a trial do not stop with the tool, so deadlines expire and connections end without being anyone's
//! fault. A thread looks at the clocks several times a second: what it has missed is a suspension. One clock is not
//! enough, because the usual one does not count the time in which the machine sleeps.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::output::err;

/// How often the clocks are compared.
const INTERVAL: Duration = Duration::from_millis(250);

/// A longer time between two comparisons is a suspension. A busy machine delays a thread much less.
const LIMIT: Duration = Duration::from_secs(2);

/// How many attempts are made if the run is suspended during each of them.
const ATTEMPTS: usize = 3;

/// Why there is no result after that many attempts.
pub(crate) const REASON: &str =
    "the run was suspended during each of three attempts; run it again without stopping it";

/// The suspensions of this process. Clones share them. The thread ends with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct Suspensions(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    last: Clocks,
    /// When the last suspension ended.
    last_end: Option<Instant>,
    total: Duration,
    repeated: usize,
}

/// The clocks at one moment.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    /// Does not count while the machine sleeps.
    running: Instant,
    /// Always counts.
    real: Duration,
}

impl Clocks {
    fn now() -> Self {
        Self { running: Instant::now(), real: real_time() }
    }

    /// How much time has passed between `earlier` and this moment.
    fn since(self, earlier: Self) -> Duration {
        let running = self.running.saturating_duration_since(earlier.running);
        running.max(self.real.saturating_sub(earlier.real))
    }
}

/// The time since the machine was started.
#[cfg(target_os = "linux")]
fn real_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// The time of day. If it is set forward, a failed trial is repeated without need.
#[cfg(not(target_os = "linux"))]
fn real_time() -> Duration {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default()
}

impl Suspensions {
    /// Starts to watch.
    pub(crate) fn watch() -> io::Result<Self> {
        let state =
            State { last: Clocks::now(), last_end: None, total: Duration::ZERO, repeated: 0 };
        let this = Self(Arc::new(Mutex::new(state)));
        let watched = Arc::downgrade(&this.0);
        thread::Builder::new().name("suspensions".to_owned()).spawn(move || {
            while let Some(state) = watched.upgrade() {
                state.lock().compare(Clocks::now());
                drop(state);
                thread::sleep(INTERVAL);
            }
        })?;
        Ok(this)
    }

    /// Makes an attempt, and more if it fails and the run was suspended meanwhile. The flag of the result is whether
    /// this applies to the last attempt, too.
    pub(crate) fn repeat<T>(
        &self,
        mut attempt: impl FnMut() -> T,
        has_failed: impl Fn(&T) -> bool,
    ) -> (T, bool) {
        let mut attempts = 1;
        loop {
            let began = Instant::now();
            let result = attempt();
            let is_doubtful = has_failed(&result) && self.happened_since(began);
            if !is_doubtful || attempts == ATTEMPTS {
                return (result, is_doubtful);
            }
            attempts += 1;
            self.0.lock().repeated += 1;
        }
    }

    /// Makes an attempt, and more if the run was suspended meanwhile, whatever the result. The error is why there is no
    /// result.
    pub(crate) fn undisturbed<T>(&self, attempt: impl FnMut() -> T) -> Result<T, &'static str> {
        match self.repeat(attempt, |_| true) {
            (result, false) => Ok(result),
            (_, true) => Err(REASON),
        }
    }

    /// Whether the run was suspended after `began`.
    fn happened_since(&self, began: Instant) -> bool {
        let mut state = self.0.lock();
        // The thread may not have run since the end of the suspension.
        state.compare(Clocks::now());
        state.last_end.is_some_and(|end| end >= began)
    }

    /// What happened, for the reports; `None` if the run was not suspended.
    pub(crate) fn note(&self) -> Option<String> {
        let State { total, repeated, .. } = *self.0.lock();
        (!total.is_zero()).then(|| {
            let repeated = match repeated {
                0 => "no trial failed during this time".to_owned(),
                1 => "what failed during this time was repeated, once".to_owned(),
                times => format!("what failed during this time was repeated, {times} times"),
            };
            format!("the run was suspended for {:.1} s; {repeated}", total.as_secs_f64())
        })
    }
}

impl State {
    /// Notes a suspension if much time has passed since the last comparison.
    fn compare(&mut self, now: Clocks) {
        let passed = now.since(self.last);
        self.last = now;
        if passed > LIMIT {
            self.last_end = Some(now.running);
            self.total += passed;
            err!(
                "interop: the run was suspended for {:.1} s; what fails because of it is repeated",
                passed.as_secs_f64()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspend(suspensions: &Suspensions, running: Duration, real: Duration) {
        let mut state = suspensions.0.lock();
        let Clocks { running: last, real: last_real } = state.last;
        state.compare(Clocks { running: last + running, real: last_real + real });
    }

    fn attempts(suspended: Option<(Duration, Duration)>, failing: usize) -> (usize, bool, bool) {
        let suspensions = Suspensions::watch().expect("a thread");
        let mut attempts = 0;
        let attempt = || {
            attempts += 1;
            if let Some((running, real)) = suspended {
                suspend(&suspensions, running, real);
            }
            attempts > failing
        };
        let (has_passed, is_doubtful) = suspensions.repeat(attempt, |has_passed| !has_passed);
        (attempts, has_passed, is_doubtful)
    }

    #[test]
    fn what_fails_in_a_suspension_is_repeated() {
        let (long, short) = (Duration::from_secs(20), Duration::from_millis(300));
        assert_eq!(attempts(None, 1), (1, false, false), "without a suspension");
        assert_eq!(attempts(Some((short, short)), 1), (1, false, false), "a short pause");
        assert_eq!(attempts(Some((long, long)), 0), (1, true, false), "it has not failed");
        assert_eq!(attempts(Some((long, long)), 1), (2, true, false), "a stopped process");
        assert_eq!(attempts(Some((short, long)), 1), (2, true, false), "a sleeping machine");
        assert_eq!(attempts(Some((long, long)), 9), (3, false, true), "again and again");
    }

    #[test]
    fn an_earlier_suspension_does_not_matter() {
        let suspensions = Suspensions::watch().expect("a thread");
        assert_eq!(suspensions.note(), None);
        let second = Duration::from_secs(1);
        suspensions.0.lock().last.running -= 5 * second;
        suspensions.0.lock().compare(Clocks::now());
        let (attempts, is_doubtful) = suspensions.repeat(|| false, |has_passed| !has_passed);
        assert_eq!((attempts, is_doubtful), (false, false));
        let note = suspensions.note().expect("a note");
        assert!(note.starts_with("the run was suspended for 5.0 s; no trial failed"), "{note}");
    }
}
