//! What a suite finds out about a case, before known deviations are considered.
//!
//! It is not the verdict, because only a mismatch can be a known deviation: a server that did not start or
//! an agent that hung is never excused.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that was not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mismatch {
    /// What was compared: `status`, `root`, `client stdout`.
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) observed: String,
    /// The bytes of both, where it is a message that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<MismatchedBytes>,
}

/// The bytes of two messages, in hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MismatchedBytes {
    pub(crate) expected: String,
    pub(crate) observed: String,
}

impl Mismatch {
    pub(crate) fn new(
        what: &str,
        expected: impl fmt::Display,
        observed: impl fmt::Display,
    ) -> Self {
        Self {
            what: what.to_owned(),
            expected: expected.to_string(),
            observed: observed.to_string(),
            bytes: None,
        }
    }

    /// The same, with `label` before what was compared.
    pub(crate) fn labelled(self, label: &str) -> Self {
        Self { what: format!("{label}{}", self.what), ..self }
    }

    /// The same, with the bytes of the messages that differ, unless they are many.
    pub(crate) fn of_messages(self, expected: &[u8], observed: &[u8]) -> Self {
        const MOST: usize = 4096;
        if expected.len().max(observed.len()) > MOST {
            return self;
        }
        let bytes =
            MismatchedBytes { expected: hex::encode(expected), observed: hex::encode(observed) };
        Self { bytes: Some(bytes), ..self }
    }
}

/// The result of a case.
#[derive(Clone, Debug)]
pub(crate) enum Finding {
    /// Everything was as expected.
    Match,
    /// These things were not; never empty.
    Mismatches(Vec<Mismatch>),
    /// A peer reports that it cannot do this.
    NotSupported(String),
    /// A peer died or broke the protocol while the case ran.
    Broken(String),
    /// A peer reported no outcome in time.
    Hung(String),
    /// The reference reported none, so that the peer cannot be compared with it.
    ReferenceHung(String),
    /// The case could not begin.
    SetUpError(String),
}

/// The result of a case by the goldens, where the live reference is of other versions and differs from them.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceDrift {
    /// What the reference does there, and of which versions it is.
    pub(crate) reason: String,
    /// `None` for a peer that changes with the reference: what else is right for it is unknown.
    pub(crate) finding: Option<Finding>,
}

impl From<Vec<Mismatch>> for Finding {
    fn from(mismatches: Vec<Mismatch>) -> Self {
        if mismatches.is_empty() { Self::Match } else { Self::Mismatches(mismatches) }
    }
}
