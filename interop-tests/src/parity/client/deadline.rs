//! Deadlines: what a client says of its own on the wire, and when its call ended.
//!
//! Both depend on how busy the machine is, so they are compared as what they mean.

use std::time::Duration;

/// How much later than its deadline a call may end, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(2);

/// How much of the deadline may have passed before the request was sent.
const PASSED_MS: f64 = 500.0;

/// `grpc-timeout` of a call with this deadline: what it means if that is right, or as it was sent.
pub(crate) fn normalised(sent: &str, timeout_ms: Option<f64>) -> String {
    let is_right = milliseconds(sent).zip(timeout_ms).is_some_and(|(sent, timeout)| {
        // Senders round up, and short deadlines more than long ones.
        let least = (timeout - PASSED_MS).max(0.0);
        let most = timeout * 1.02 + 1.0;
        sent > least && sent <= most
    });
    if is_right { "the deadline in a legal form".to_owned() } else { sent.to_owned() }
}

/// What a legal `grpc-timeout` says: up to eight digits and a unit.
fn milliseconds(sent: &str) -> Option<f64> {
    const MOST_DIGITS: usize = 8;
    let unit = match sent.bytes().last()? {
        b'H' => 3_600_000.0,
        b'M' => 60_000.0,
        b'S' => 1_000.0,
        b'm' => 1.0,
        b'u' => 0.001,
        b'n' => 0.000_001,
        _ => return None,
    };
    let digits = &sent[..sent.len() - 1];
    let is_legal = (1..=MOST_DIGITS).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u32 = digits.parse().ok().filter(|_| is_legal)?;
    Some(f64::from(number) * unit)
}

/// When a call with this deadline ended: as the agent says, and as the harness saw it.
pub(crate) fn end(timeout_ms: Option<f64>, told_ms: f64, seen: Duration) -> String {
    /// Clocks and their rounding.
    const EARLY_MS: f64 = 5.0;
    let Some(timeout) = timeout_ms else { return "without a deadline".to_owned() };
    if seen > Duration::try_from_secs_f64(timeout / 1000.0).unwrap_or_default() + GRACE {
        format!("more than {GRACE:?} after its deadline")
    } else if told_ms < timeout - EARLY_MS {
        "before its deadline".to_owned()
    } else {
        "at its deadline".to_owned()
    }
}
