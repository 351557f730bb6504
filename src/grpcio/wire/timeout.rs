//! The header field `grpc-timeout`.
//!
//! grpcio is more lenient than the specification, which allows at most eight digits: it accepts
//! spaces and any number of digits, and rounds up to milliseconds.

use std::time::Duration;

/// The header field with the timeout of a call.
pub(crate) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Above ten times this value there is no deadline, whatever follows the digits.
const MAX_VALUE: u64 = 100_000_000;

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeout {
    After(Duration),
    Never,
}

/// Parses the value of the field as grpcio does, or returns `None` if grpcio rejects it.
///
/// Probes: `timeout-*`.
pub(crate) fn parse(value: &[u8]) -> Option<Timeout> {
    let value = strip_spaces(value);
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let (digits, rest) = value.split_at(digits);
    let mut number: u64 = 0;
    for digit in digits {
        number = number * 10 + u64::from(digit - b'0');
        if number > 10 * MAX_VALUE {
            return Some(Timeout::Never);
        }
    }
    let (unit, rest) = strip_spaces(rest).split_first()?;
    if !strip_spaces(rest).is_empty() {
        return None;
    }
    let milliseconds = match unit {
        b'n' => number.div_ceil(1_000_000),
        b'u' => number.div_ceil(1_000),
        b'm' => number,
        b'S' => number * 1_000,
        b'M' => number * 60_000,
        b'H' => number * 3_600_000,
        _ => return None,
    };
    Some(Timeout::After(Duration::from_millis(milliseconds)))
}

/// Strips leading spaces, but not tabs.
fn strip_spaces(value: &[u8]) -> &[u8] {
    let spaces = value.iter().take_while(|byte| **byte == b' ').count();
    &value[spaces..]
}

#[cfg(test)]
mod tests {
    use super::{Timeout, parse};
    use std::time::Duration;

    #[test]
    fn timeouts_parse_as_in_grpcio() {
        let after = |milliseconds| Some(Timeout::After(Duration::from_millis(milliseconds)));
        let cases: [(&str, Option<Timeout>); 21] = [
            ("0n", after(0)),
            ("1n", after(1)),
            ("1000001n", after(2)),
            ("1u", after(1)),
            ("1001u", after(2)),
            ("20m", after(20)),
            ("1S", after(1_000)),
            ("2M", after(120_000)),
            ("1H", after(3_600_000)),
            (" 1 S ", after(1_000)),
            ("000000001S", after(1_000)),
            ("99999999H", after(99_999_999 * 3_600_000)),
            ("999999999999999999999S", Some(Timeout::Never)),
            ("99999999999999999999x", Some(Timeout::Never)),
            ("", None),
            ("S", None),
            ("1", None),
            ("1s", None),
            ("-1S", None),
            ("1\tS", None),
            ("1Sx", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}");
        }
    }
}
