//! What a suite finds out about a case, before anybody asks whether it was known.
//!
//! Kept apart from the verdict, because only a mismatch can be a known deviation: a server that did
//! not start or an agent that hung is never excused.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::grade::Grade;
use crate::outcome::observation::Observation;

use crate::capture::recorder::Recorder;
use crate::capture::trace::Trace;

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

/// What came of a case.
#[derive(Clone, Debug)]
pub(crate) enum Finding {
    /// Everything was as expected.
    Match,
    /// These things were not; never empty.
    Mismatches(Vec<Mismatch>),
    /// A peer says that it cannot do this.
    NotSupported(String),
    /// A peer died or broke the protocol while the case ran.
    Broken(String),
    /// A peer told no outcome in time.
    Hung(String),
    /// The same of the reference, so that the peer cannot be compared with it.
    ReferenceHung(String),
    /// The case could not begin.
    SetUpError(String),
}

/// What would have come of a case if the goldens were right, where the reference is of other versions.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceDrift {
    /// What the reference does there, and of which versions it is.
    pub(crate) reason: String,
    /// `None` for a peer that moves with the reference: nobody knows what else is right for it.
    pub(crate) finding: Option<Finding>,
}

impl From<Vec<Mismatch>> for Finding {
    fn from(mismatches: Vec<Mismatch>) -> Self {
        if mismatches.is_empty() { Self::Match } else { Self::Mismatches(mismatches) }
    }
}

/// What a person needs to look into a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// What the case is about.
    pub(crate) about: Option<String>,
    pub(crate) server_command: Option<String>,
    pub(crate) client_command: Option<String>,
    pub(crate) reference_command: Option<String>,
    /// What the client was told, shortened.
    pub(crate) sent: Vec<String>,
    /// What is right; any of these where there are several.
    pub(crate) right: Vec<Observation>,
    /// What came.
    pub(crate) observed: Option<Observation>,
    /// Whom that was observed of, where peers are compared.
    pub(crate) observed_of: Option<&'static str>,
    /// All that was observed of the peer that is judged, where peers are compared.
    pub(crate) answer: Option<String>,
    /// Where the reference has moved from the goldens: how the peer stands to those.
    pub(crate) moved: Option<ReferenceDrift>,
    /// Who can do what the case does, where peers are compared.
    pub(crate) grade: Option<Grade>,
    /// When the case had all that it needs.
    pub(crate) began: Option<Instant>,
    pub(crate) logs: Vec<PathBuf>,
    /// What was taken of the connections, until it is known whether it is kept.
    pub(crate) tape: Option<Recorder>,
    /// What went over the wire, if it is kept, and the file in which a person reads it.
    pub(crate) trace: Option<Trace>,
    pub(crate) wire: Option<String>,
}

impl Evidence {
    /// The logs in which there is something.
    pub(crate) fn full_logs(&self) -> impl Iterator<Item = &PathBuf> {
        let is_full = |log: &&PathBuf| fs::metadata(log).is_ok_and(|metadata| metadata.len() > 0);
        self.logs.iter().filter(is_full)
    }
}

/// A finding and its evidence.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) finding: Finding,
    pub(crate) evidence: Evidence,
}
