//! What a suite finds out about a case, before anybody asks whether it was known.
//!
//! Kept apart from the verdict, because only a mismatch can be a known deviation: a server that did
//! not start or an agent that hung is never excused.

use std::fmt;
use std::path::PathBuf;

/// One thing that was not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// What was compared: `status`, `root`, `client stdout`.
    pub(crate) what: String,
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
        }
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
    /// A peer died, hung or broke the protocol while the case ran.
    Broken(String),
    /// The case could not begin.
    SetUpError(String),
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
    /// Who was seen to do what, where peers are compared.
    pub(crate) observations: Vec<(String, String)>,
    /// All that was observed of the peer that is judged, where peers are compared.
    pub(crate) answer: Option<String>,
    pub(crate) logs: Vec<PathBuf>,
}

/// A finding and its evidence.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) finding: Finding,
    pub(crate) evidence: Evidence,
}
