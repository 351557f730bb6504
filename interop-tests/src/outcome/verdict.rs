//! The verdict of a trial: its finding after known deviations are considered. And the grade of a case: whether
//! the case can occur in production.
//!
//! There are six kinds of verdicts rather than two, because "not supported" and "skipped" must never look like
//! a pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::finding::Mismatch;

/// The kinds of verdicts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VerdictKind {
    /// The outcome was as expected.
    Passed,
    /// The trial failed exactly as recorded in `deviations.toml`.
    KnownDeviation,
    /// A peer does not support what the case needs.
    NotSupported,
    /// The user excluded the trial, for example with `--without`.
    Skipped,
    /// The outcome was not as expected.
    Failed,
    /// The trial could not begin, for example because a server did not start.
    SetUpError,
}

impl VerdictKind {
    /// Whether it makes a run fail.
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::SetUpError)
    }

    /// The name for people.
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

    /// The name after a number of trials, in the plural if needed.
    pub(crate) fn plural(self, number: usize) -> String {
        let is_noun = matches!(self, Self::KnownDeviation | Self::SetUpError);
        format!("{}{}", self.name(), if is_noun && number != 1 { "s" } else { "" })
    }
}

/// The verdict of a trial with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: VerdictKind,
    /// The reason; `None` for a pass.
    pub(crate) why: Option<String>,
    /// Of a known deviation: the link of its entry in `deviations.toml`.
    pub(crate) link: Option<String>,
    /// Of a failure or a known deviation: the differences.
    pub(crate) mismatches: Vec<Mismatch>,
}

impl Verdict {
    pub(crate) fn passed() -> Self {
        Self { kind: VerdictKind::Passed, why: None, link: None, mismatches: Vec::new() }
    }

    /// A verdict of this `kind` with the reason `why`.
    pub(crate) fn new(kind: VerdictKind, why: impl Into<String>) -> Self {
        Self { kind, why: Some(why.into()), ..Self::passed() }
    }
}

/// Which peers can cause a case.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Grade {
    /// A conforming peer, proxy or load balancer.
    #[default]
    ClientVisible,
    /// Only a peer that violates the protocol or is built for tests.
    Edge,
}

impl Grade {
    /// The description of a case of this grade, for failure blocks.
    pub(crate) fn describe(self, about: Option<&str>, unstable: Option<&str>) -> String {
        let about = about.map(|about| format!(": {about}")).unwrap_or_default();
        let unstable = unstable.map(|why| format!("\nunstable: {why}")).unwrap_or_default();
        format!("{self}{about}{unstable}")
    }
}
