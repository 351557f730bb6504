//! The bytes of two messages next to each other, with their meaning.
//!
//! If one message is longer, their common beginning and end are aligned: otherwise a missing byte would
//! make all bytes after it differ.

use serde::Serialize;

use crate::capture::description::DescribedPart;
use crate::capture::dissection::protobuf;
use crate::report::html::format::plural;

/// How many bytes a row has.
const ROW: usize = 16;

/// Shown where only the other message has a byte.
const GAP: &str = "··";

/// Consecutive bytes that all differ, or none of which does.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    hex: String,
    differs: bool,
}

/// Some bytes and their meaning.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Part {
    runs: Vec<Run>,
    name: String,
    value: String,
}

impl Part {
    /// The `part`, of which the bytes at some positions differ.
    pub(crate) fn new(part: DescribedPart<'_>, differs: impl Fn(usize) -> bool) -> Self {
        let DescribedPart { bytes, start, name, value, .. } = part;
        let bytes = (start..).zip(bytes).map(|(at, byte)| (Some(byte), differs(at)));
        Self { runs: runs(bytes), name, value }
    }
}

/// The same range of both messages.
#[derive(Debug, Serialize)]
struct Row {
    /// How many equal bytes before it are left out.
    left_out: usize,
    offset: usize,
    expected: Vec<Run>,
    observed: Vec<Run>,
}

/// The comparison of two messages.
#[derive(Debug, Serialize)]
pub(crate) struct Bytes {
    /// A description of the first difference.
    first: String,
    rows: Vec<Row>,
    /// The meaning of the bytes of each.
    expected: Vec<Part>,
    observed: Vec<Part>,
}

/// Two messages, and which of their bytes differ.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    expected: &'a [u8],
    pub(crate) observed: &'a [u8],
    /// How many bytes at the beginning are equal.
    same_before: usize,
    /// How many bytes at the end are equal, if the messages are not of the same length.
    same_after: usize,
}

/// A byte of each message, and whether they differ.
type Column = (Option<u8>, Option<u8>, bool);

impl<'a> Pair<'a> {
    pub(crate) fn new(expected: &'a [u8], observed: &'a [u8]) -> Self {
        let same = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| {
            pairs.take_while(|(one, other)| one == other).count()
        };
        let same_before = same(&mut expected.iter().zip(observed));
        let same_after = if expected.len() == observed.len() {
            0
        } else {
            let rest = (&expected[same_before..], &observed[same_before..]);
            same(&mut rest.0.iter().rev().zip(rest.1.iter().rev()))
        };
        Self { expected, observed, same_before, same_after }
    }

    /// Whether the observed byte at `index` is not what was expected.
    pub(crate) fn is_wrong(&self, index: usize) -> bool {
        self.differs(index, self.observed.len())
    }

    fn differs(&self, index: usize, length: usize) -> bool {
        if self.expected.len() == self.observed.len() {
            return self.expected.get(index) != self.observed.get(index);
        }
        index >= self.same_before && index < length - self.same_after
    }

    fn columns(&self) -> Vec<Column> {
        let middle = |bytes: &'a [u8]| &bytes[self.same_before..bytes.len() - self.same_after];
        let (expected, observed) = (middle(self.expected), middle(self.observed));
        // The gap of the shorter message comes before what both end with.
        let middle = (0..expected.len().max(observed.len())).map(|index| {
            let columns = (expected.get(index).copied(), observed.get(index).copied());
            let differs = expected.len() != observed.len() || columns.0 != columns.1;
            (columns.0, columns.1, differs)
        });
        let same = |bytes: &'a [u8]| bytes.iter().map(|byte| (Some(*byte), Some(*byte), false));
        let before = same(&self.expected[..self.same_before]);
        let after = same(&self.expected[self.expected.len() - self.same_after..]);
        before.chain(middle).chain(after).collect()
    }

    pub(crate) fn shown(&self) -> Bytes {
        let columns = self.columns();
        let mut rows = Vec::new();
        let mut left_out = 0;
        for (index, row) in columns.chunks(ROW).enumerate() {
            if !row.iter().any(|(.., differs)| *differs) {
                left_out += row.len();
                continue;
            }
            rows.push(Row {
                left_out,
                offset: index * ROW,
                expected: runs(row.iter().map(|(byte, _, differs)| (*byte, *differs))),
                observed: runs(row.iter().map(|(_, byte, differs)| (*byte, *differs))),
            });
            left_out = 0;
        }
        let parts = |bytes: &[u8]| {
            let (fields, unread) = protobuf::read(bytes);
            let parts = protobuf::parts(&fields, bytes.len(), unread.as_deref()).into_iter();
            let described = parts.map(|part| DescribedPart::new(part, bytes, None));
            described.map(|part| Part::new(part, |at| self.differs(at, bytes.len()))).collect()
        };
        Bytes {
            first: self.first(&columns),
            rows,
            expected: parts(self.expected),
            observed: parts(self.observed),
        }
    }

    fn first(&self, columns: &[Column]) -> String {
        let different = columns.iter().enumerate().find(|(_, (.., differs))| *differs);
        let Some((at, (expected, observed, _))) = different else {
            return "no byte differs".to_owned();
        };
        let (all, came) = (self.expected.len(), self.observed.len());
        let lengths = match plural(all.abs_diff(came), "byte") {
            _ if all == came => String::new(),
            missing if came < all => format!("; {missing} of {all} missing"),
            more => format!("; {more} more than the {all} expected"),
        };
        let what = match (expected, observed) {
            (Some(expected), None) => format!("({expected:02x}) is missing"),
            (None, Some(observed)) => format!("({observed:02x}) should not be there"),
            (expected, observed) => {
                let [expected, observed] =
                    [expected, observed].map(|byte| byte.unwrap_or_default());
                format!("is {observed:02x} instead of {expected:02x}")
            }
        };
        format!("byte {at} {what}{lengths}")
    }
}

/// Joins bytes and gaps, each with whether it differs, into runs.
pub(crate) fn runs(bytes: impl IntoIterator<Item = (Option<u8>, bool)>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (byte, differs) in bytes {
        let hex = byte.map_or(GAP.to_owned(), |byte| format!("{byte:02x}"));
        match runs.last_mut().filter(|run| run.differs == differs) {
            Some(run) => {
                run.hex.push(' ');
                run.hex.push_str(&hex);
            }
            None => runs.push(Run { hex, differs }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a comparison as text; bytes that differ are in brackets.
    fn rows(expected: &[u8], observed: &[u8]) -> Vec<[String; 2]> {
        let text = |runs: &[Run]| {
            let run =
                |run: &Run| if run.differs { format!("[{}]", run.hex) } else { run.hex.clone() };
            runs.iter().map(run).collect::<Vec<_>>().join(" ")
        };
        let rows = Pair::new(expected, observed).shown().rows;
        rows.iter().map(|row| [text(&row.expected), text(&row.observed)]).collect()
    }

    fn first(expected: &[u8], observed: &[u8]) -> String {
        Pair::new(expected, observed).shown().first
    }

    #[test]
    fn messages_of_the_same_length_are_compared_byte_by_byte() {
        assert_eq!(rows(&[1, 2, 3, 4], &[1, 9, 3, 8]), [["01 [02] 03 [04]", "01 [09] 03 [08]"]]);
        assert_eq!(first(&[1, 2, 3, 4], &[1, 9, 3, 8]), "byte 1 is 09 instead of 02");
        assert_eq!(rows(&[1], &[1]), [] as [[String; 2]; 0]);
        assert_eq!(first(&[1], &[1]), "no byte differs");
    }

    #[test]
    fn messages_of_different_lengths_are_aligned_at_both_ends() {
        assert_eq!(rows(&[1, 2, 3, 4], &[1, 2, 4]), [["01 02 [03] 04", "01 02 [··] 04"]]);
        assert_eq!(first(&[1, 2, 3, 4], &[1, 2, 4]), "byte 2 (03) is missing; 1 byte of 4 missing");
        assert_eq!(rows(&[1, 4], &[1, 2, 3, 4]), [["01 [·· ··] 04", "01 [02 03] 04"]]);
        let more = "byte 1 (02) should not be there; 2 bytes more than the 2 expected";
        assert_eq!(first(&[1, 4], &[1, 2, 3, 4]), more);
        assert_eq!(rows(&[7, 7], &[7]), [["07 [07]", "07 [··]"]], "no byte is aligned twice");
    }

    #[test]
    fn rows_without_a_difference_are_left_out() {
        let (expected, mut observed) = ([0; 50], [0; 50]);
        observed[40] = 1;
        let rows = Pair::new(&expected, &observed).shown().rows;
        assert_eq!(
            rows.iter().map(|row| (row.left_out, row.offset)).collect::<Vec<_>>(),
            [(32, 32)]
        );
    }

    #[test]
    fn the_fields_of_a_message_are_its_parts() {
        let shown = Pair::new(&[8, 1], &[8, 2, 0xff]).shown();
        let parts: Vec<_> =
            shown.observed.iter().map(|part| (&part.name[..], &part.value[..])).collect();
        assert_eq!(parts[..2], [("field 1", "varint"), ("value", "2")]);
        assert_eq!(parts[2].0, "rest");
        assert!(parts[2].1.starts_with("no protobuf from byte 2 on: "), "{parts:?}");
        assert!(shown.observed[1].runs[0].differs && !shown.observed[0].runs[0].differs);
    }
}
