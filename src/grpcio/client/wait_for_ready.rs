//! A call can wait for a server that is not reachable yet.
//!
//! grpcio waits one second after the first attempt and up to two minutes between later ones. A
//! caller that waits wants to continue as soon as the server is there, so the maximum here is one
//! second.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Makes a call wait for its server until its deadline, as an extension of its request:
/// `request.extensions_mut().insert(WaitForReady)`. By default the call fails with UNAVAILABLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitForReady;

/// The delay after the first attempt.
const INITIAL: Duration = Duration::from_millis(100);

/// The maximum delay, before jitter.
const MAX: Duration = Duration::from_secs(1);

/// The ratio of successive delays, as in grpcio.
const MULTIPLIER: f64 = 1.6;

/// The relative deviation of each delay, as in grpcio, so that clients that lost the same server do
/// not reconnect at the same moment.
const JITTER: f64 = 0.2;

/// The delays between attempts to connect.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: INITIAL }
    }
}

impl Backoff {
    /// The next delay.
    pub(super) fn next(&mut self) -> Duration {
        let delay = self.next.mul_f64(1.0 - JITTER + 2.0 * JITTER * random());
        self.next = self.next.mul_f64(MULTIPLIER).min(MAX);
        delay
    }
}

/// A number from 0 to 1. The standard library seeds each hasher differently.
fn random() -> f64 {
    let [byte, ..] = RandomState::new().hash_one(0).to_le_bytes();
    f64::from(byte) / f64::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Backoff, INITIAL, JITTER, MAX};

    #[test]
    fn delays_grow_up_to_the_maximum() {
        let mut backoff = Backoff::default();
        assert!(backoff.next() <= INITIAL.mul_f64(1.0 + JITTER));
        let last = (0..20).map(|_| backoff.next()).inspect(|delay| {
            assert!(*delay >= INITIAL.mul_f64(1.0 - JITTER), "{delay:?}");
            assert!(*delay <= MAX.mul_f64(1.0 + JITTER), "{delay:?}");
        });
        assert!(last.last() >= Some(MAX.mul_f64(1.0 - JITTER)));
    }
}
