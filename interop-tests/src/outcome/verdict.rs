//! The verdict on a trial: a finding in the light of the known deviations.
//!
//! There are six kinds and not two, because "not supported" and "skipped" must never look like a pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::finding::Mismatch;

/// How a trial ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VerdictKind {
    /// As expected.
    Passed,
    /// It failed exactly as the list of known deviations says that it does.
    KnownDeviation,
    /// A peer reports that it cannot do this.
    NotSupported,
    /// Left out on explicit request.
    Skipped,
    /// Not as expected.
    Failed,
    /// It could not begin.
    SetUpError,
}

impl VerdictKind {
    /// Whether it makes a run fail.
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::SetUpError)
    }

    /// As people read it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::KnownDeviation => "known deviation",
            Self::NotSupported => "not supported",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::SetUpError => "set-up error",
        }
    }
}

/// The verdict on a trial, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: VerdictKind,
    /// Why it is this verdict; `None` for a pass.
    pub(crate) why: Option<String>,
    /// Of a known deviation: where more is written about it.
    pub(crate) link: Option<String>,
    /// What was not as expected, of a failure or a known deviation.
    pub(crate) mismatches: Vec<Mismatch>,
}

impl Verdict {
    pub(crate) fn passed() -> Self {
        Self { kind: VerdictKind::Passed, why: None, link: None, mismatches: Vec::new() }
    }

    /// A verdict of this `kind` for this reason.
    pub(crate) fn new(kind: VerdictKind, why: impl Into<String>) -> Self {
        Self { kind, why: Some(why.into()), ..Self::passed() }
    }
}
