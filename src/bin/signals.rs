//! The signals that end `calculator-server`, unless they were ignored when it started.
//!
//! A script that starts a program with `&` makes it ignore SIGINT, so that Ctrl-C ends only what runs
//! in the foreground. Python leaves such a signal alone; tokio would replace it.

use std::fs;
use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The report of the kernel on this process, on Linux. Elsewhere no safe function tells which signals
/// are ignored, and none counts as ignored.
const STATUS: &str = "/proc/self/status";

/// A signal, or nothing if it is ignored.
#[derive(Debug)]
pub(crate) struct EndSignal(Option<Signal>);

impl EndSignal {
    /// Handles the signal from now on if it was not ignored.
    pub(crate) fn new(kind: SignalKind) -> io::Result<Self> {
        let status = fs::read_to_string(STATUS).unwrap_or_default();
        if is_ignored(&status, kind.as_raw_value()) {
            return Ok(Self(None));
        }
        signal(kind).map(|signal| Self(Some(signal)))
    }

    /// Returns when the signal arrives, and never if it is ignored.
    pub(crate) async fn received(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => pending().await,
        }
    }
}

/// Whether a process with this report ignores a signal. Each bit of the mask is a signal.
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit));
    mask.zip(bit).is_some_and(|(mask, bit)| mask & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::is_ignored;

    #[test]
    fn each_bit_is_a_signal() {
        let status = "Name:\tcalculator\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001002\n";
        let ignored: Vec<_> = (-1..70).filter(|signal| is_ignored(status, *signal)).collect();
        assert_eq!(ignored, [2, 13]);
        for unknown in ["", "SigIgn:", "SigIgn:\tx\n", "SigBlk:\t0000000000000002\n"] {
            assert!(!is_ignored(unknown, 2), "{unknown:?}");
        }
    }
}
