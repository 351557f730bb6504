//! The verdict on a trial, which is its finding in the light of the known deviations, and the grade of a
//! case, which says whether a failure can occur in production.
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

    /// The name behind a number of trials with this verdict.
    pub(crate) fn plural(self, number: usize) -> String {
        let is_noun = matches!(self, Self::KnownDeviation | Self::SetUpError);
        format!("{}{}", self.name(), if is_noun && number != 1 { "s" } else { "" })
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

/// Which peers can do what a case does.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Grade {
    /// A legal peer, proxy or load balancer.
    #[default]
    ClientVisible,
    /// Only a peer made by hand.
    Edge,
}

impl Grade {
    /// The description of a case of this grade in a failure.
    pub(crate) fn describe(self, about: Option<&str>, unstable: Option<&str>) -> String {
        let about = about.map(|about| format!(": {about}")).unwrap_or_default();
        let unstable = unstable.map(|why| format!("\nunstable: {why}")).unwrap_or_default();
        format!("{self}{about}{unstable}")
    }
}
