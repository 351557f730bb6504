//! Compares two messages byte by byte, with the meaning of the bytes.
//!
//! If the messages have different lengths, their common prefix and suffix are aligned. Otherwise all bytes after a
//! missing byte would differ.

use std::mem;

use serde::Serialize;

use crate::capture::{description::DescribedPart, dissection::messages};
use crate::report::html::format::plural;

/// The number of bytes per row.
const ROW: usize = 16;

/// Shown if only the other message has a byte at this position.
const GAP: &str = "··";

/// Consecutive bytes that all differ or are all equal.
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
    /// A view of `part`; `differs` reports whether the byte at a position differs.
    pub(crate) fn new(part: DescribedPart<'_>, differs: impl Fn(usize) -> bool) -> Self {
        let DescribedPart { bytes, start, name, value, .. } = part;
        let bytes = (start..).zip(bytes).map(|(at, byte)| (Some(byte), differs(at)));
        Self { runs: runs(bytes), name, value }
    }
}

/// The same range of both messages.
#[derive(Debug, Serialize)]
struct Row {
    /// The number of equal bytes omitted before this row.
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

/// One byte of each message; one of them may be missing.
#[derive(Clone, Copy, Debug)]
struct Column {
    expected: Option<u8>,
    observed: Option<u8>,
    differs: bool,
}

/// Two aligned messages.
#[derive(Debug)]
pub(crate) struct Alignment(Vec<Column>);

impl Alignment {
    pub(crate) fn of(expected: &[u8], observed: &[u8]) -> Self {
        let is_same = |(one, other): &(&u8, &u8)| one == other;
        let same = expected.iter().zip(observed).take_while(is_same).count();
        let (before, expected) = expected.split_at(same);
        let observed = &observed[same..];
        let is_shifted = expected.len() != observed.len();
        let same = expected.iter().rev().zip(observed.iter().rev()).take_while(is_same).count();
        let (expected, after) = expected.split_at(expected.len() - same);
        let observed = &observed[..observed.len() - same];
        let middle = (0..expected.len().max(observed.len())).map(|at| {
            let (expected, observed) = (expected.get(at).copied(), observed.get(at).copied());
            Column { expected, observed, differs: is_shifted || expected != observed }
        });
        let same =
            |byte: &u8| Column { expected: Some(*byte), observed: Some(*byte), differs: false };
        Self(before.iter().map(same).chain(middle).chain(after.iter().map(same)).collect())
    }

    /// Whether each byte of the observed message differs from what was expected.
    pub(crate) fn observed_differs(&self) -> Vec<bool> {
        self.side(|column| column.observed).1
    }

    /// The bytes of one message, and whether each differs.
    fn side(&self, byte: fn(&Column) -> Option<u8>) -> (Vec<u8>, Vec<bool>) {
        self.0.iter().filter_map(|column| Some((byte(column)?, column.differs))).unzip()
    }

    /// The comparison for the report.
    pub(crate) fn shown(&self) -> Bytes {
        let mut rows = Vec::new();
        let mut left_out = 0;
        for (index, row) in self.0.chunks(ROW).enumerate() {
            if !row.iter().any(|column| column.differs) {
                left_out += row.len();
                continue;
            }
            rows.push(Row {
                left_out: mem::take(&mut left_out),
                offset: index * ROW,
                expected: runs(row.iter().map(|column| (column.expected, column.differs))),
                observed: runs(row.iter().map(|column| (column.observed, column.differs))),
            });
        }
        let parts = |(bytes, differs): (Vec<u8>, Vec<bool>)| {
            let (fields, unread) = messages::read(&bytes);
            let parts = messages::parts(&fields, bytes.len(), unread.as_deref()).into_iter();
            let described = parts.map(|part| DescribedPart::new(part, &bytes, None));
            described.map(|part| Part::new(part, |at| differs[at])).collect()
        };
        Bytes {
            first: self.first(),
            rows,
            expected: parts(self.side(|column| column.expected)),
            observed: parts(self.side(|column| column.observed)),
        }
    }

    fn first(&self) -> String {
        let Some(at) = self.0.iter().position(|column| column.differs) else {
            return "no byte differs".to_owned();
        };
        let length = |byte: fn(&Column) -> Option<u8>| self.0.iter().filter_map(byte).count();
        let (all, came) = (length(|column| column.expected), length(|column| column.observed));
        let lengths = match plural(all.abs_diff(came), "byte") {
            _ if all == came => String::new(),
            missing if came < all => format!("; {missing} of {all} missing"),
            more => format!("; {more} more than the {all} expected"),
        };
        let what = match (self.0[at].expected, self.0[at].observed) {
            (Some(expected), Some(observed)) => {
                format!("is {observed:02x} instead of {expected:02x}")
            }
            (Some(expected), None) => format!("({expected:02x}) is missing"),
            (None, observed) => {
                format!("({:02x}) is unexpected", observed.unwrap_or_default())
            }
        };
        format!("byte {at} {what}{lengths}")
    }
}

/// Groups bytes and gaps into runs; the flag is whether a byte differs.
fn runs(bytes: impl IntoIterator<Item = (Option<u8>, bool)>) -> Vec<Run> {
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
        let rows = Alignment::of(expected, observed).shown().rows;
        rows.iter().map(|row| [text(&row.expected), text(&row.observed)]).collect()
    }

    fn first(expected: &[u8], observed: &[u8]) -> String {
        Alignment::of(expected, observed).shown().first
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
        let more = "byte 1 (02) is unexpected; 2 bytes more than the 2 expected";
        assert_eq!(first(&[1, 4], &[1, 2, 3, 4]), more);
        assert_eq!(rows(&[7, 7], &[7]), [["07 [07]", "07 [··]"]], "no byte is aligned twice");
    }

    #[test]
    fn rows_without_a_difference_are_omitted() {
        let (expected, mut observed) = ([0; 50], [0; 50]);
        observed[40] = 1;
        let rows = Alignment::of(&expected, &observed).shown().rows;
        assert_eq!(
            rows.iter().map(|row| (row.left_out, row.offset)).collect::<Vec<_>>(),
            [(32, 32)]
        );
    }

    #[test]
    fn the_fields_of_a_message_are_its_parts() {
        let shown = Alignment::of(&[8, 1], &[8, 2, 0xff]).shown();
        let parts: Vec<_> =
            shown.observed.iter().map(|part| (&part.name[..], &part.value[..])).collect();
        assert_eq!(parts[..2], [("field 1", "varint"), ("value", "2")]);
        assert_eq!(parts[2].0, "rest");
        assert!(parts[2].1.starts_with("not protobuf from byte 2 on: "), "{parts:?}");
        assert!(shown.observed[1].runs[0].differs && !shown.observed[0].runs[0].differs);
    }
}
