//! Minimum, median and maximum of several rounds.
//!
//! Ratios are computed within a round, in which both servers had the same conditions. So a machine that is faster for
//! a minute does not change the ratios.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Minimum, median and maximum.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of `values`; `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self { min, median, max })
    }
}

/// `median (min–max)`, each with its significant digits.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, median, max] = [self.min, self.median, self.max].map(short);
        if min == max { f.write_str(&median) } else { write!(f, "{median} ({min}–{max})") }
    }
}

/// A number with at least three digits and separated thousands.
pub(crate) fn short(number: f64) -> String {
    let size = number.abs();
    let text = if size >= 100.0 || size == 0.0 {
        format!("{number:.0}")
    } else if size >= 10.0 {
        format!("{number:.1}")
    } else if size >= 0.1 {
        format!("{number:.2}")
    } else {
        format!("{number:.4}")
    };
    let (digits, rest) = text.split_once('.').map_or((&text[..], None), |(a, b)| (a, Some(b)));
    let mut apart = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0
            && (digits.len() - index).is_multiple_of(3)
            && digit.is_ascii_digit()
            && !apart.ends_with('-')
        {
            apart.push(',');
        }
        apart.push(digit);
    }
    rest.map_or(apart.clone(), |rest| format!("{apart}.{rest}"))
}
