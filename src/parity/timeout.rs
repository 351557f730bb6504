//! The header field `grpc-timeout`.
//!
//! grpcio is more lenient than the specification, which allows eight digits: it takes spaces, any
//! number of digits, and counts no finer than a millisecond.

use std::time::Duration;

use tonic::Status;

/// The call's field.
pub(crate) const FIELD: &str = "grpc-timeout";

/// More than this counts as no deadline at all, whatever follows the digits.
const MOST: u64 = 100_000_000;

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeout {
    After(Duration),
    Never,
}

/// The status of a call whose time is over.
pub(crate) fn exceeded() -> Status {
    Status::deadline_exceeded("Deadline Exceeded")
}

/// Reads the field's value; `None` when grpcio cannot.
///
/// Probes: `timeout-*`.
pub(crate) fn parse(value: &[u8]) -> Option<Timeout> {
    let value = without_spaces(value);
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let (digits, rest) = value.split_at(digits);
    let mut number: u64 = 0;
    for digit in digits {
        number = number * 10 + u64::from(digit - b'0');
        if number > 10 * MOST {
            return Some(Timeout::Never);
        }
    }
    let (unit, rest) = without_spaces(rest).split_first()?;
    if !without_spaces(rest).is_empty() {
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

/// Without those in front; a tab is none.
fn without_spaces(value: &[u8]) -> &[u8] {
    let spaces = value.iter().take_while(|byte| **byte == b' ').count();
    &value[spaces..]
}

#[cfg(test)]
mod tests {
    use super::{Timeout, parse};
    use std::time::Duration;

    #[test]
    fn as_grpcio_reads_it() {
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
