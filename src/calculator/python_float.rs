//! Python's float syntax: `float(text)` and `repr(value)`.
//!
//! Scripts parse the output of `client.py`, so `4.0`, `1e+16` and `-0.0` have to look the same.
//! Rust's `{:?}` differs: it switches to exponents at another magnitude, writes `1e16`, and of two
//! equally short and equally near digit strings takes the greater one, where Python takes the even
//! one.

/// Python's `float()` rejects the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not convert string to float: '{0}'")]
pub struct ParseFloatError(String);

/// Parses `text` as Python's `float()` does: optional surrounding white space, single underscores
/// between digits, `inf`, `infinity` and `nan` in any case, and an optional sign.
///
/// Unlike Python, only ASCII digits are accepted.
pub fn parse(text: &str) -> Result<f64, ParseFloatError> {
    let number = text.trim();
    let digit_at = |index: Option<usize>| {
        index.and_then(|index| number.as_bytes().get(index)).is_some_and(u8::is_ascii_digit)
    };
    let underscores_between_digits = number
        .match_indices('_')
        .all(|(index, _)| digit_at(index.checked_sub(1)) && digit_at(Some(index + 1)));
    if !underscores_between_digits {
        return Err(ParseFloatError(text.to_owned()));
    }
    number.replace('_', "").parse().map_err(|_| ParseFloatError(text.to_owned()))
}

/// Formats `value` as Python's `repr()` does: the shortest digits that parse to the same double,
/// with an exponent below `1e-04` and from `1e+16`.
#[must_use]
pub fn repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    let (digits, exponent) = shortest_digits(value.abs());
    let distance = exponent.unsigned_abs() as usize;
    if !(-4..16).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{exponent_sign}{distance:02}");
    }
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(distance - 1));
    }
    // Without an exponent Python writes at least one digit after the point.
    let padded = format!("{digits:0<width$}", width = distance + 2);
    let (whole, fraction) = padded.split_at(distance + 1);
    format!("{sign}{whole}.{fraction}")
}

/// The shortest digits that parse to `value`, and the power of ten of the first digit.
fn shortest_digits(value: f64) -> (String, i32) {
    let shortest = format!("{value:e}");
    let mantissa_length = shortest.find('e').unwrap_or(shortest.len());
    let decimals = mantissa_length.saturating_sub("1.".len());
    // With an explicit precision Rust rounds a tie to the even digit.
    let nearest = format!("{value:.decimals$e}");
    // Just above a power of two the nearest digits may parse to another double.
    let scientific = if nearest.parse() == Ok(value) { nearest } else { shortest };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{parse, repr};

    #[test]
    fn repr_matches_python() {
        let cases = [
            (4.0, "4.0"),
            (f64::from(2_f32.sqrt()), "1.4142135381698608"),
            (1e16, "1e+16"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (f64::from(f32::MAX), "3.4028234663852886e+38"),
            // Exactly between ...312 and ...313, which both parse to the same double.
            (2_f64.powi(-25), "2.9802322387695312e-08"),
            (f64::from(f32::from_bits(0x42b5_04f4)), "90.50967407226562"),
            // The nearest 16 digits, ...801, parse to the double below.
            (2_f64.powi(-44), "5.684341886080802e-14"),
            (0.001, "0.001"),
            (120.0, "120.0"),
            (-0.0, "-0.0"),
            (0.0, "0.0"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (-f64::NAN, "nan"),
        ];
        for (value, expected) in cases {
            assert_eq!(repr(value), expected);
        }
    }

    #[test]
    fn parse_matches_python() {
        let cases = [
            ("16", 16.0),
            (" 1.5\n", 1.5),
            ("1_000.0_1", 1000.01),
            ("1e1_0", 1e10),
            (".5", 0.5),
            ("5.", 5.0),
            ("-2", -2.0),
            ("+Infinity", f64::INFINITY),
            ("-INF", f64::NEG_INFINITY),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text:?}");
        }
        assert!(parse("-nan").is_ok_and(f64::is_nan));
    }

    #[test]
    fn parse_rejects_what_python_rejects() {
        for text in
            ["", " ", "_1", "1_", "1__0", "1_.5", "1._5", "0x10", "1e", "e5", ".", "four", "1 2"]
        {
            let error = parse(text).expect_err(text);
            assert_eq!(error.to_string(), format!("could not convert string to float: '{text}'"));
        }
    }
}
