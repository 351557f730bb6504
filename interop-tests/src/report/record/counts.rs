//! How often each verdict was given.
//!
//! Every verdict is counted under its own name, so that what was skipped or not supported cannot be read
//! as a pass.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::verdict::VerdictKind;
use crate::report::record::trial::TrialRecord;

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) set_up_errors: usize,
    pub(crate) known_deviations: usize,
    pub(crate) not_supported: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    pub(crate) fn of<'a>(trials: impl IntoIterator<Item = &'a TrialRecord>) -> Self {
        let mut counts = Self::default();
        trials.into_iter().for_each(|trial| counts.add(trial.verdict));
        counts
    }

    pub(crate) fn add(&mut self, verdict: VerdictKind) {
        *self.of_kind(verdict) += 1;
    }

    /// How often this verdict was given.
    pub(crate) fn of_kind(&mut self, verdict: VerdictKind) -> &mut usize {
        match verdict {
            VerdictKind::Passed => &mut self.passed,
            VerdictKind::Failed => &mut self.failed,
            VerdictKind::SetUpError => &mut self.set_up_errors,
            VerdictKind::KnownDeviation => &mut self.known_deviations,
            VerdictKind::NotSupported => &mut self.not_supported,
            VerdictKind::Skipped => &mut self.skipped,
        }
    }

    /// How many trials make a run fail.
    pub(crate) fn failures(self) -> usize {
        self.failed + self.set_up_errors
    }

    /// Each count with its name; those that are zero are left out, unless they always matter.
    pub(crate) fn parts(self) -> Vec<String> {
        let count = |number: usize, one: &str, many: &str| {
            (number > 0).then(|| format!("{number} {}", if number == 1 { one } else { many }))
        };
        [
            Some(format!("{} passed", self.passed)),
            Some(format!("{} failed", self.failed)),
            count(self.set_up_errors, "set-up error", "set-up errors"),
            count(self.known_deviations, "known deviation", "known deviations"),
            count(self.not_supported, "not supported", "not supported"),
            count(self.skipped, "skipped", "skipped"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().join(", "))
    }
}
