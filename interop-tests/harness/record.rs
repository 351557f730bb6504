//! What a run has found, trial by trial, while it runs and at its end.
//!
//! libtest-mimic knows passed, failed and ignored; the verdicts that say more are kept here, beside
//! what it prints.

use std::sync::{Arc, Mutex, PoisonError};

use super::trial::TrialName;
use super::verdict::Verdict;

/// The verdicts of a run; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Mutex<Vec<(TrialName, Verdict)>>>);

impl Record {
    pub(crate) fn add(&self, trial: TrialName, verdict: Verdict) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((trial, verdict));
    }

    /// All verdicts so far, in the order of the trials' names.
    pub(crate) fn verdicts(&self) -> Vec<(TrialName, Verdict)> {
        let mut verdicts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        verdicts.sort_by(|(one, _), (other, _)| one.cmp(other));
        verdicts
    }
}
