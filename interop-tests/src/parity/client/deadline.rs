//! Deadlines: as `grpc-timeout`, and as the time at which a call ended.
//!
//! Both depend on how busy the machine is, so they are compared by their meaning.

use std::time::Duration;

/// How much later than its deadline a call may end, on a machine that is busy.
const GRACE: Duration = Duration::from_secs(2);

/// How much of the deadline may have passed before the request was sent.
const PASSED_MS: f64 = 500.0;

/// `grpc-timeout` of a call with this deadline: its meaning if that is right, or as it was sent.
pub(crate) fn normalised(sent: &str, timeout_ms: Option<f64>) -> String {
    let is_right = milliseconds(sent).zip(timeout_ms).is_some_and(|(sent, timeout)| {
        // Senders round up, and short deadlines more than long ones.
        let least = (timeout - PASSED_MS).max(0.0);
        let most = timeout * 1.02 + 1.0;
        sent > least && sent <= most
    });
    if is_right { "the deadline in a legal form".to_owned() } else { sent.to_owned() }
}

/// The milliseconds of a legal `grpc-timeout`: up to eight digits and a unit.
fn milliseconds(sent: &str) -> Option<f64> {
    const MOST_DIGITS: usize = 8;
    const UNITS: [(char, f64); 6] =
        [('H', 3.6e6), ('M', 6e4), ('S', 1e3), ('m', 1.0), ('u', 1e-3), ('n', 1e-6)];
    let with_unit = |(name, unit)| Some((sent.strip_suffix(name)?, unit));
    let (digits, unit) = UNITS.into_iter().find_map(with_unit)?;
    let is_legal = (1..=MOST_DIGITS).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u32 = digits.parse().ok().filter(|_| is_legal)?;
    Some(f64::from(number) * unit)
}

/// When a call with this deadline ended, after `reported_ms` by the agent's clock and `measured` by the
/// tool's.
pub(crate) fn end(timeout_ms: Option<f64>, reported_ms: f64, measured: Duration) -> String {
    /// Differences and rounding of clocks.
    const EARLY_MS: f64 = 5.0;
    let Some(timeout) = timeout_ms else { return "without a deadline".to_owned() };
    if measured > Duration::try_from_secs_f64(timeout / 1000.0).unwrap_or_default() + GRACE {
        format!("more than {GRACE:?} after its deadline")
    } else if reported_ms < timeout - EARLY_MS {
        "before its deadline".to_owned()
    } else {
        "at its deadline".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{end, milliseconds, normalised};

    #[test]
    fn legal_timeouts_are_parsed() {
        for (text, expected) in [("1H", 3_600_000.0), ("99999999m", 99_999_999.0), ("1500u", 1.5)] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
        for text in ["", "m", "123456789m", "1x", "-1m", "+1m", "1.5S", "1 m", "1ä"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_timeout_may_be_shorter_and_is_rounded_up_a_little() {
        for (text, is_right) in
            [("5S", true), ("4501m", true), ("4500m", false), ("5101m", true), ("5102m", false)]
        {
            let normalised = normalised(text, Some(5_000.0));
            assert_eq!(normalised == "the deadline in a legal form", is_right, "{text}");
        }
        assert_eq!(normalised("5S", None), "5S");
    }

    #[test]
    fn a_call_ends_before_its_deadline_at_it_or_after_it() {
        let at = |reported, measured| end(Some(1_000.0), reported, Duration::from_millis(measured));
        assert_eq!(at(990.0, 990), "before its deadline");
        assert_eq!(at(996.0, 2_900), "at its deadline");
        assert_eq!(at(996.0, 3_001), "more than 2s after its deadline");
        assert_eq!(end(None, 1.0, Duration::ZERO), "without a deadline");
    }
}
