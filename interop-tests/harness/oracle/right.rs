//! What is right: the live reference, or the goldens where it cannot run.

use std::sync::Arc;

use super::case::{Case, Reference};
use super::golden::Goldens;
use super::observation::Observation;
use crate::harness::finding::{Evidence, Finding};
use crate::harness::setting::Setting;

/// The name of the goldens where a peer's name would stand.
pub(crate) const GOLDEN: &str = "golden";

/// Who is asked.
#[derive(Debug)]
pub(crate) enum Oracle<R> {
    Live(Arc<R>),
    Golden(Arc<Goldens>),
}

impl<R> Clone for Oracle<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Live(reference) => Self::Live(Arc::clone(reference)),
            Self::Golden(goldens) => Self::Golden(Arc::clone(goldens)),
        }
    }
}

impl<R: Reference> Oracle<R> {
    /// The live `reference` if there is one, or the goldens.
    pub(crate) fn of(reference: Option<&Arc<R>>, goldens: Option<&Arc<Goldens>>) -> Option<Self> {
        match (reference, goldens) {
            (Some(reference), _) => Some(Self::Live(Arc::clone(reference))),
            (None, Some(goldens)) => Some(Self::Golden(Arc::clone(goldens))),
            (None, None) => None,
        }
    }

    /// Its name in the names of trials.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Live(reference) => reference.name(),
            Self::Golden(_) => GOLDEN,
        }
    }

    /// The live reference.
    pub(crate) fn live(&self) -> Option<&R> {
        match self {
            Self::Live(reference) => Some(reference),
            Self::Golden(_) => None,
        }
    }

    /// All that is right for `case`; more than one answer if the reference is not stable.
    ///
    /// What the case lists comes first, so that a peer that differs from everything differs in the
    /// same way each time.
    pub(crate) fn answers(
        &self,
        case: &Arc<R::Case>,
        setting: &Setting,
    ) -> Result<Vec<Observation>, Finding> {
        match self {
            Self::Live(reference) => {
                let observation = reference.observation(case, setting)?;
                let mut answers = case.also().to_vec();
                if !answers.contains(&observation) {
                    answers.push(observation);
                }
                Ok(answers)
            }
            Self::Golden(goldens) => goldens.must_have(case.name()).map(<[_]>::to_vec),
        }
    }
}

/// How `observed` differs from that of `answers` that it is most like, and from what the table of
/// `case` states beside.
pub(crate) fn judged(case: &impl Case, answers: &[Observation], observed: &Observation) -> Finding {
    let mut mismatches = match nearest(answers, observed) {
        Finding::Mismatches(mismatches) => mismatches,
        _ => Vec::new(),
    };
    mismatches.extend(case.contradictions(observed));
    mismatches.into()
}

/// How `observed` differs from that of `answers` that it is most like.
pub(crate) fn nearest(answers: &[Observation], observed: &Observation) -> Finding {
    let mismatches = answers.iter().map(|answer| answer.mismatches(observed));
    mismatches.min_by_key(Vec::len).unwrap_or_default().into()
}

/// Takes up what is right and what `who` was seen to do into the `evidence`.
pub(crate) fn take_up(
    answers: Vec<Observation>,
    who: &'static str,
    observed: Observation,
    evidence: &mut Evidence,
) {
    evidence.right = answers;
    evidence.observed = Some(observed);
    evidence.observed_of = Some(who);
}
