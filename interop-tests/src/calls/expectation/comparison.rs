//! The expected and the observed outcome of calls next to each other, and ranges of expected numbers.

use std::fmt;

use serde::Deserialize;

use crate::outcome::{Mismatch, Observation};

/// Both outcomes as lines for people, and their differences.
///
/// Lines are added even if a call has the expected outcome, because they show what a case tests.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) expected: Observation,
    pub(crate) observed: Observation,
    pub(crate) mismatches: Vec<Mismatch>,
}

impl Comparison {
    /// Adds the value of `what` to each outcome that has one, and a mismatch if `is_match` is false.
    pub(crate) fn add(
        &mut self,
        what: &str,
        expected: Option<String>,
        observed: Option<String>,
        is_match: bool,
    ) {
        if !is_match {
            let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
            self.mismatches.push(Mismatch::new(what, or_none(&expected), or_none(&observed)));
        }
        for (lines, value) in [(&mut self.expected, expected), (&mut self.observed, observed)] {
            if let Some(value) = value {
                lines.add(what, value);
            }
        }
    }

    /// Adds everything in `other`, with the prefix `label`.
    pub(crate) fn extend(&mut self, label: &str, other: Self) {
        self.expected.extend(label, other.expected);
        self.observed.extend(label, other.observed);
        self.mismatches.extend(other.mismatches.into_iter().map(|it| it.labelled(label)));
    }
}

/// An expected number or range. Both ends belong to the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Range<T = usize> {
    Exactly(T),
    Between(T, T),
}

impl<T: PartialOrd> Range<T> {
    pub(crate) fn contains(&self, number: &T) -> bool {
        match self {
            Self::Exactly(expected) => number == expected,
            Self::Between(least, most) => (least..=most).contains(&number),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(number) => write!(f, "{number}"),
            Self::Between(least, most) => write!(f, "{least} to {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Table {
        counts: Range,
        times: Range<f64>,
    }

    #[test]
    fn a_range_is_displayed_as_one_or_two_numbers() {
        let table: Table = toml::from_str("counts = 3\ntimes = [1, 2.5]").unwrap();
        assert_eq!(table.counts, Range::Exactly(3));
        assert_eq!(table.times, Range::Between(1.0, 2.5));
        assert!(toml::from_str::<Table>("counts = [1]\ntimes = 1").is_err());
        assert!(toml::from_str::<Table>("counts = -1\ntimes = 1").is_err());
    }

    #[test]
    fn both_ends_belong_to_a_range() {
        let range = Range::Between(2, 4);
        assert_eq!([1, 2, 4, 5].map(|number| range.contains(&number)), [false, true, true, false]);
        assert_eq!(range.to_string(), "2 to 4");
        assert!(!Range::Exactly(2).contains(&3));
    }
}
