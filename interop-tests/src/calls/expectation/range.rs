//! The least and the most of something that is counted; reads as a number or as a list of both.

use std::fmt;

use serde::Deserialize;

use crate::outcome::finding::Mismatch;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Range {
    Exactly(usize),
    Between(usize, usize),
}

impl Range {
    /// In what `observed` differs, if it is not within.
    pub(crate) fn mismatch(self, what: &str, observed: usize) -> Option<Mismatch> {
        let is_within = match self {
            Self::Exactly(number) => observed == number,
            Self::Between(least, most) => (least..=most).contains(&observed),
        };
        (!is_within).then(|| Mismatch::new(what, self, observed))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(number) => write!(f, "{number}"),
            Self::Between(least, most) => write!(f, "{least} to {most}"),
        }
    }
}
