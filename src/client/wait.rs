//! Waiting for a server that cannot be reached yet.
//!
//! grpcio waits a second after the first attempt and up to two minutes after the last; a program that
//! was told to wait wants to go on as soon as its server is there, so a second is the most here.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A call that waits for its server until its deadline: an extension of its request.
///
/// `request.extensions_mut().insert(WaitForReady)`; without one the call fails with UNAVAILABLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitForReady;

/// After the first attempt.
const FIRST: Duration = Duration::from_millis(100);

/// The longest of all.
const LONGEST: Duration = Duration::from_secs(1);

/// How much longer each is than the one before it, as in grpcio.
const GROWTH: f64 = 1.6;

/// How much each may be longer or shorter, as in grpcio, so that clients that lost the same server
/// do not all come back in the same moment.
const JITTER: f64 = 0.2;

/// The pauses between attempts to connect, without an end.
#[derive(Debug)]
pub(super) struct Pauses {
    next: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Pauses {
    /// How long to wait this time.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(1.0 - JITTER + 2.0 * JITTER * random());
        self.next = self.next.mul_f64(GROWTH).min(LONGEST);
        pause
    }
}

/// From 0 to 1. The standard library seeds each of its hashers with another number.
fn random() -> f64 {
    let [byte, ..] = RandomState::new().hash_one(0).to_le_bytes();
    f64::from(byte) / f64::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::{FIRST, JITTER, LONGEST, Pauses};

    #[test]
    fn they_grow_up_to_a_second() {
        let mut pauses = Pauses::default();
        assert!(pauses.next() <= FIRST.mul_f64(1.0 + JITTER));
        let last = (0..20).map(|_| pauses.next()).inspect(|pause| {
            assert!(*pause >= FIRST.mul_f64(1.0 - JITTER), "{pause:?}");
            assert!(*pause <= LONGEST.mul_f64(1.0 + JITTER), "{pause:?}");
        });
        assert!(last.last() >= Some(LONGEST.mul_f64(1.0 - JITTER)));
    }
}
