//! A number or a range of numbers, as a table writes it: `3` or `[2, 5]`.

use std::fmt;

use serde::Deserialize;

/// The numbers that are expected; both ends of a range belong to it.
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
    fn a_range_reads_as_a_number_or_as_two() {
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
