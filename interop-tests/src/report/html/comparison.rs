//! The expected and the observed outcome of a trial, side by side.
//!
//! Nothing is judged again here: a row differs because the trial has a mismatch for it. Where a range or a
//! part of a text was expected, another text than the expected one is right too.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::http2::message;
use crate::outcome::finding::{ANY, Line, Mismatch, MismatchedBytes};
use crate::outcome::verdict::VerdictKind;
use crate::report::html::bytes::{Alignment, Bytes};
use crate::report::record::trial::TrialRecord;

/// One line of the outcome, compared or only observed.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    what: &'a str,
    expected: Option<&'a str>,
    observed: Option<&'a str>,
    #[serde(flatten)]
    how: How,
    /// The bytes of both, where it is a message that differs.
    bytes: Option<Bytes>,
}

/// How the two sides of a row compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct How {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
}

const DIFFERS: How = How { class: "differs", symbol: "≠", word: "differs" };
const SAME: How = How { class: "same", symbol: "=", word: "as expected" };
const FITS: How = How { class: "same", symbol: "✓", word: "fits" };
const MISSING: How = How { class: "not-compared", symbol: "·", word: "not observed" };
const MORE: How = How { class: "not-compared", symbol: "·", word: "not compared" };

/// The rows of a trial, and those of other outcomes that were expected as well.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison<'a> {
    rows: Vec<Row<'a>>,
    others: Vec<Vec<Row<'a>>>,
}

/// The bytes of the first message that differs, as far as they are known.
pub(crate) fn messages(mismatch: &Mismatch) -> Option<(Vec<u8>, Vec<u8>)> {
    if let Some(MismatchedBytes { expected, observed }) = &mismatch.bytes {
        return Some((hex::decode(expected).ok()?, hex::decode(observed).ok()?));
    }
    if !mismatch.what.ends_with("messages") {
        return None;
    }
    let [expected, observed] =
        [&mismatch.expected, &mismatch.observed].map(|text| text.split(message::BETWEEN));
    let mut pairs = expected.zip(observed);
    let (expected, observed) = pairs.find(|(expected, observed)| expected != observed)?;
    let bytes =
        |text: &str| if text == message::EMPTY { Some(Vec::new()) } else { hex::decode(text).ok() };
    Some((bytes(expected)?, bytes(observed)?))
}

impl<'a> Comparison<'a> {
    /// The comparison of a trial; `None` if nothing was compared or observed.
    pub(crate) fn of(trial: &'a TrialRecord) -> Option<Self> {
        let observed = &trial.observation;
        let mut right: Vec<_> = trial.expectation.iter().collect();
        // The most similar one comes first.
        right.sort_by_key(|expected| distance(expected, observed));
        let mut right = right.into_iter();
        let mut rows: Vec<_> = trial.mismatches.iter().map(of_mismatch).collect();
        let shown: BTreeSet<_> = trial.mismatches.iter().map(|mismatch| &*mismatch.what).collect();
        let nearest = right.next().map_or(&[][..], Vec::as_slice);
        // A mismatch may be about a part of what is one line here.
        let has_line = |what: &str| nearest.iter().chain(observed).any(|line| line.what == what);
        let is_sure =
            trial.verdict == VerdictKind::Passed || shown.iter().all(|what| has_line(what));
        let rest = aligned(nearest, observed, if is_sure { FITS } else { DIFFERS });
        rows.extend(rest.into_iter().filter(|row| !shown.contains(row.what)));
        rows.sort_by_key(|row| row.how != DIFFERS);
        let others: Vec<_> = right.map(|other| aligned(other, observed, DIFFERS)).collect();
        (!rows.is_empty() || !others.is_empty()).then_some(Self { rows, others })
    }
}

fn of_mismatch(mismatch: &Mismatch) -> Row<'_> {
    let bytes = messages(mismatch);
    Row {
        what: &mismatch.what,
        expected: Some(&mismatch.expected),
        observed: Some(&mismatch.observed),
        how: DIFFERS,
        bytes: bytes.map(|(expected, observed)| Alignment::of(&expected, &observed).shown()),
    }
}

/// A row for each line of both sides; `other` is how lines with other values compare.
fn aligned<'a>(expected: &'a [Line], observed: &'a [Line], other: How) -> Vec<Row<'a>> {
    let row = |line: &'a Line| {
        let observed = value(observed, &line.what);
        let how = match observed {
            _ if line.value == ANY => FITS,
            None => MISSING,
            Some(value) if value == line.value => SAME,
            Some(_) => other,
        };
        Row { what: &line.what, expected: Some(&line.value), observed, how, bytes: None }
    };
    let more = observed.iter().filter(|line| value(expected, &line.what).is_none());
    let more = more.map(|line| Row {
        what: &line.what,
        expected: None,
        observed: Some(&line.value),
        how: MORE,
        bytes: None,
    });
    expected.iter().map(row).chain(more).collect()
}

/// The number of lines in which they differ.
fn distance(expected: &[Line], observed: &[Line]) -> usize {
    let is_other =
        |line: &&Line| line.value != ANY && value(observed, &line.what) != Some(&line.value);
    let is_new = |line: &&Line| value(expected, &line.what).is_none();
    expected.iter().filter(is_other).count() + observed.iter().filter(is_new).count()
}

fn value<'a>(lines: &'a [Line], what: &str) -> Option<&'a str> {
    lines.iter().find(|line| line.what == what).map(|line| &*line.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_that_differs_is_found() {
        let text = |last: &str| ["0a", last, "0d"].join(message::BETWEEN);
        let of =
            |what: &str, observed: &str| messages(&Mismatch::new(what, text("0b"), text(observed)));
        assert_eq!(of("messages", "0c"), Some((vec![0x0b], vec![0x0c])));
        assert_eq!(of("messages", message::EMPTY), Some((vec![0x0b], Vec::new())));
        assert_eq!(of("messages", "0b"), None, "none differs");
        assert_eq!(of("messages", "no hex"), None);
        assert_eq!(of("status", "0c"), None, "it is about no message");
    }
}
