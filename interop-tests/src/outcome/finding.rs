//! Observations, and the finding of a suite that compares them, before known deviations are considered.
//!
//! A finding is not yet a verdict: only a mismatch can be a known deviation. A server that did not start or an
//! agent that hung is never excused.

use std::fmt::{self, Display};

use grpc_interop_protocol::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http2::body;

/// One difference between the expected and the observed outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mismatch {
    /// What was compared, such as `status`, `root` or `client stdout`.
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) observed: String,
    /// The bytes of both messages, if a message differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<MismatchedBytes>,
}

/// The bytes of two messages in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MismatchedBytes {
    pub(crate) expected: String,
    pub(crate) observed: String,
}

impl Mismatch {
    pub(crate) fn new(what: &str, expected: impl Display, observed: impl Display) -> Self {
        let (expected, observed) = (expected.to_string(), observed.to_string());
        Self { what: what.to_owned(), expected, observed, bytes: None }
    }

    /// The same mismatch with `label` before the name of what was compared.
    pub(crate) fn labelled(self, label: &str) -> Self {
        Self { what: format!("{label}{}", self.what), ..self }
    }

    /// The same mismatch with the bytes of both messages, unless these are long.
    pub(crate) fn of_messages(self, expected: &[u8], observed: &[u8]) -> Self {
        const MOST: usize = 4096;
        if expected.len().max(observed.len()) > MOST {
            return self;
        }
        let bytes =
            MismatchedBytes { expected: hex::encode(expected), observed: hex::encode(observed) };
        Self { bytes: Some(bytes), ..self }
    }

    /// The expected and the observed bytes of the first message that differs, if known.
    pub(crate) fn messages(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        if let Some(MismatchedBytes { expected, observed }) = &self.bytes {
            return Some((hex::decode(expected).ok()?, hex::decode(observed).ok()?));
        }
        if !self.what.ends_with("messages") {
            return None;
        }
        let [expected, observed] =
            [&self.expected, &self.observed].map(|text| text.split(body::BETWEEN));
        let (expected, observed) = expected.zip(observed).find(|(one, other)| one != other)?;
        let bytes =
            |text| if text == body::EMPTY { Some(Vec::new()) } else { hex::decode(text).ok() };
        Some((bytes(expected)?, bytes(observed)?))
    }
}

/// The result of a case.
#[derive(Clone, Debug)]
pub(crate) enum Finding {
    /// The outcome was as expected.
    Match,
    /// These differences; never empty.
    Mismatches(Vec<Mismatch>),
    /// There are only differences that the user accepts, for this reason.
    Accepted(String),
    /// The proxy between client and server makes these differences, and the server does not; with the reason.
    OfProxy(Vec<Mismatch>, String),
    /// A peer does not support what the case needs.
    NotSupported(String),
    /// A peer exited or violated the agent protocol during the case.
    Broken(String),
    /// A peer reported no outcome within the time limit.
    Hung(String),
    /// The reference reported no outcome, so the peer could not be compared with it.
    ReferenceHung(String),
    /// The case could not begin.
    SetUpError(String),
}

/// How a peer compares with the goldens in a case in which a reference of other versions differs from them.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceDrift {
    /// The versions of both, and what the reference does.
    pub(crate) reason: String,
    /// `None` for a peer that uses the reference's libraries: it changes with them, so the golden does not apply.
    pub(crate) finding: Option<Finding>,
}

impl From<Vec<Mismatch>> for Finding {
    fn from(mismatches: Vec<Mismatch>) -> Self {
        if mismatches.is_empty() { Self::Match } else { Self::Mismatches(mismatches) }
    }
}

/// An outcome as a list of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Observation {
    lines: Vec<Line>,
}

/// One line of an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// What the value is, such as `status`, `root` or `stream 1: end`.
    pub(crate) what: String,
    pub(crate) value: String,
}

/// In an expected outcome: a value that equals any other.
pub(crate) const ANY: &str = "(any)";

/// The value of a line that is missing.
const NOTHING: &str = "(none)";

impl Observation {
    pub(crate) fn add(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.lines.push(Line { what: what.into(), value: value.into() });
    }

    /// Adds the lines of `other`, each with the prefix `label`.
    pub(crate) fn extend(&mut self, label: &str, other: Self) {
        for Line { what, value } in other.lines {
            self.add(format!("{label}{what}"), value);
        }
    }

    pub(crate) fn lines(self) -> Vec<Line> {
        self.lines
    }

    fn value(&self, what: &str) -> Option<&str> {
        self.lines.iter().find(|line| line.what == what).map(|line| &line.value[..])
    }

    /// All values of `what`, including those with a prefix such as `call 1: `.
    pub(crate) fn values(&self, what: &str) -> Vec<&str> {
        let is_meant = |name: &str| {
            name.strip_suffix(what).is_some_and(|part| part.is_empty() || part.ends_with(": "))
        };
        let meant = self.lines.iter().filter(|line| is_meant(&line.what));
        meant.map(|line| &line.value[..]).collect()
    }

    /// The differences between this expected outcome and `observed`.
    pub(crate) fn mismatches(&self, observed: &Self) -> Vec<Mismatch> {
        let more = observed.lines.iter().filter(|line| self.value(&line.what).is_none());
        self.lines
            .iter()
            .chain(more)
            .map(|Line { what, .. }| (what, self.value(what), observed.value(what)))
            .filter(|(_, expected, observed)| expected != observed && *expected != Some(ANY))
            .map(|(what, expected, observed)| {
                Mismatch::new(what, expected.unwrap_or(NOTHING), observed.unwrap_or(NOTHING))
            })
            .collect()
    }

    /// Parses lines of the form `what = value`; the error is the first other line.
    pub(crate) fn from_text(text: &str) -> Result<Self, String> {
        let line = |line: &str| {
            let (what, value) = line.split_once(" = ").ok_or_else(|| line.to_owned())?;
            Ok(Line { what: what.to_owned(), value: value.to_owned() })
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Self { lines: lines.map(line).collect::<Result<_, String>>()? })
    }
}

/// The differences between `observed` and the most similar of the `expected` outcomes.
pub(crate) fn nearest(expected: &[Observation], observed: &Observation) -> Vec<Mismatch> {
    let mismatches = expected.iter().map(|expected| expected.mismatches(observed));
    mismatches.min_by_key(Vec::len).unwrap_or_default()
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|Line { what, value }| writeln!(f, "{what} = {value}"))
    }
}

impl TryFrom<String> for Observation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::from_text(&text)
            .map_err(|line| format!("the line `{line}` must have the form `what = value`"))
    }
}

/// Checks that an entry has both keys `unstable` and `also`, or neither.
pub(crate) fn check_unstable(unstable: Option<&str>, also: &[Observation]) -> Result<(), String> {
    if unstable.is_some() == also.is_empty() {
        let what = "the reason why the outcome varies, and all outcomes";
        return Err(format!("`unstable` and `also` need each other: {what}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(text: &str) -> Observation {
        Observation::from_text(text).expect("there is no observation")
    }

    fn mismatches(expected: &str, observed: &str) -> Vec<String> {
        let mismatches = observation(expected).mismatches(&observation(observed));
        let line = |m: &Mismatch| format!("{}: {} / {}", m.what, m.expected, m.observed);
        mismatches.iter().map(line).collect()
    }

    #[test]
    fn each_line_that_differs_is_a_mismatch() {
        assert_eq!(mismatches("status = OK\nvalue = 4.0", "status = OK\nvalue = 4.0").len(), 0);
        assert_eq!(
            mismatches("status = OK\nvalue = 4.0", "status = INTERNAL\nmessage = gone"),
            ["status: OK / INTERNAL", "value: 4.0 / (none)", "message: (none) / gone"]
        );
    }

    #[test]
    fn any_text_is_equal_to_any() {
        assert_eq!(mismatches("message = (any)", "message = gone").len(), 0);
        assert_eq!(mismatches("message = (any)", "status = OK"), ["status: (none) / OK"]);
        assert_eq!(mismatches("message = gone", "message = (any)"), ["message: gone / (any)"]);
    }

    #[test]
    fn the_nearest_outcome_has_the_fewest_mismatches() {
        let expected = ["status = OK\nvalue = 4.0", "status = INTERNAL\nmessage = gone"];
        let expected = expected.map(observation);
        let observed = observation("status = INTERNAL\nmessage = lost");
        assert_eq!(nearest(&expected, &observed), expected[1].mismatches(&observed));
        assert_eq!(nearest(&[], &observed), Vec::new());
    }

    #[test]
    fn values_are_those_of_each_call() {
        let several = observation("call 1: status = OK\ncall 2: status = INTERNAL\nend = gone");
        assert_eq!(several.values("status"), ["OK", "INTERNAL"]);
        assert_eq!(several.values("tus"), Vec::<&str>::new());
        assert_eq!(several.to_string().lines().count(), 3);
        assert_eq!(Observation::from_text("status: OK"), Err("status: OK".to_owned()));
    }

    #[test]
    fn the_first_message_that_differs_is_found() {
        let text = |last: &str| ["0a", last, "0d"].join(body::BETWEEN);
        let of =
            |what: &str, observed: &str| Mismatch::new(what, text("0b"), text(observed)).messages();
        assert_eq!(of("messages", "0c"), Some((vec![0x0b], vec![0x0c])));
        assert_eq!(of("messages", body::EMPTY), Some((vec![0x0b], Vec::new())));
        assert_eq!(of("messages", "0b"), None, "none differs");
        assert_eq!(of("messages", "no hex"), None);
        assert_eq!(of("status", "0c"), None, "a status is not a message");
    }
}
