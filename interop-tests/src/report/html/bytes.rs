//! The bytes of two messages beside each other, and what each of them is.
//!
//! Where one message is longer, what both begin and end with is held against each other: a byte that
//! is missing would make all that follow look wrong otherwise.

use serde::Serialize;

use crate::capture::dissection::protobuf;
use crate::capture::dissection::trace::ProtobufField;
use crate::report::html::shown::plural;

/// How many bytes stand in a row.
const ROW: usize = 16;

/// How many bytes are shown of the value of a field.
const SHOWN: usize = 32;

/// What stands where the other message has a byte.
const GAP: &str = "··";

/// Bytes in a row that all differ, or of which none does.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    hex: String,
    differs: bool,
}

/// Some bytes, and what they are.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Part {
    pub(crate) runs: Vec<Run>,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// The same stretch of both messages.
#[derive(Debug, Serialize)]
struct Row {
    /// How many bytes in which nothing differs are left out before it.
    left_out: usize,
    offset: usize,
    expected: Vec<Run>,
    observed: Vec<Run>,
}

/// See the module.
#[derive(Debug, Serialize)]
pub(crate) struct Bytes {
    /// Where they first differ, in words.
    first: String,
    rows: Vec<Row>,
    /// What the bytes of each are.
    expected: Vec<Part>,
    observed: Vec<Part>,
}

/// Two messages, and which of their bytes differ.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    expected: &'a [u8],
    pub(crate) observed: &'a [u8],
    /// How many bytes both begin with.
    same_before: usize,
    /// How many bytes both end with, if they are not of the same length.
    same_after: usize,
}

/// A byte of each, and whether they differ.
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
        let length = self.expected.len().max(self.observed.len());
        let side = |bytes: &[u8], column: usize| {
            let gap = length - bytes.len();
            // The gap comes before what both end with.
            let end = bytes.len() - self.same_after;
            match column {
                before if before < end => bytes.get(before).copied(),
                within if within < end + gap => None,
                after => bytes.get(after - gap).copied(),
            }
        };
        let column = |index| {
            let (expected, observed) = (side(self.expected, index), side(self.observed, index));
            let is_middle = index >= self.same_before && index < length - self.same_after;
            let differs = if self.expected.len() == self.observed.len() {
                expected != observed
            } else {
                is_middle
            };
            (expected, observed, differs)
        };
        (0..length).map(column).collect()
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
            parts(bytes, &fields, unread.as_deref(), |index| self.differs(index, bytes.len()))
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

/// Bytes, or gaps, each with whether it differs.
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

/// What the bytes of a message are: its fields, and why there are no more of them.
pub(crate) fn parts(
    message: &[u8],
    fields: &[ProtobufField],
    unread: Option<&str>,
    is_wrong: impl Fn(usize) -> bool,
) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut add = |start: usize, end: usize, name: String, value: String| {
        let end = end.min(message.len());
        let kept = end.min(start + SHOWN).max(start);
        let bytes = (start..kept).map(|index| (message.get(index).copied(), is_wrong(index)));
        let value = match end.saturating_sub(kept) {
            0 => value,
            more => format!("{value}, and {} more", plural(more, "byte")),
        };
        parts.push(Part { runs: runs(bytes), name, value });
    };
    for field in fields {
        let name = format!("field {}", field.number);
        add(field.start, field.value_start, name, field.wire_type.clone());
        if field.end > field.value_start {
            add(field.value_start, field.end, "value".to_owned(), field.value.clone());
        }
    }
    let read = fields.last().map_or(0, |field| field.end);
    if read < message.len() {
        add(read, message.len(), "rest".to_owned(), unread.unwrap_or_default().to_owned());
    }
    parts
}
