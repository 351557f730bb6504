//! What is right: the live reference, or the goldens where it cannot run.

use std::sync::Arc;

use crate::outcome::finding::{Evidence, Finding};
use crate::outcome::observation::Observation;
use crate::outcome::trial::BaselineKind;
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::other_versions::{Excuse, OtherVersions};
use crate::process::context::RunContext;

/// Who is asked.
#[derive(Debug)]
pub(crate) enum Oracle<R> {
    /// And the goldens, in case it is of other versions.
    Live(Arc<R>, Option<Arc<Goldens>>),
    Golden(Arc<Goldens>),
}

impl<R> Clone for Oracle<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Live(reference, goldens) => Self::Live(Arc::clone(reference), goldens.clone()),
            Self::Golden(goldens) => Self::Golden(Arc::clone(goldens)),
        }
    }
}

impl<R: Reference> Oracle<R> {
    /// The live `reference` if there is one, or the goldens.
    pub(crate) fn of(reference: Option<&Arc<R>>, goldens: Option<&Arc<Goldens>>) -> Option<Self> {
        match (reference, goldens) {
            (Some(reference), goldens) => Some(Self::Live(Arc::clone(reference), goldens.cloned())),
            (None, Some(goldens)) => Some(Self::Golden(Arc::clone(goldens))),
            (None, None) => None,
        }
    }

    /// Which of the two it is.
    pub(crate) fn kind(&self) -> BaselineKind {
        match self {
            Self::Live(..) => BaselineKind::Live,
            Self::Golden(_) => BaselineKind::Golden,
        }
    }

    /// The live reference.
    pub(crate) fn live(&self) -> Option<&R> {
        match self {
            Self::Live(reference, _) => Some(reference),
            Self::Golden(_) => None,
        }
    }

    /// What is right for `case`; `is_kin` is a peer that is made of what the reference is made of.
    pub(crate) fn right(
        &self,
        case: &Arc<R::Case>,
        is_kin: bool,
        context: &RunContext,
    ) -> Result<Expected, Finding> {
        let (reference, goldens) = match self {
            Self::Live(reference, goldens) => (reference, goldens),
            Self::Golden(goldens) => {
                let answers = goldens.must_have(case.name())?.to_vec();
                return Ok(Expected { answers, hung: None, excuse: None });
            }
        };
        let observed = match reference.observation(case, context) {
            Ok(observation) => Ok(observation),
            Err(Finding::ReferenceHung(why)) => Err(why),
            Err(finding) => return Err(finding),
        };
        // Where nobody knows the versions they count as the goldens'.
        let other = goldens
            .as_ref()
            .and_then(|goldens| OtherVersions::of(&**reference, goldens, context).ok().flatten());
        let excuse = other.as_ref().and_then(|other| other.excuse(&**case, &observed, is_kin));
        match (observed, excuse, other.and_then(|other| Some(other.golden(&**case)?.to_vec()))) {
            (Ok(observation), excuse, _) => {
                let mut answers = case.also().to_vec();
                if !answers.contains(&observation) {
                    answers.push(observation);
                }
                Ok(Expected { answers, hung: None, excuse })
            }
            (Err(why), Some(excuse), Some(golden)) => {
                Ok(Expected { answers: golden, hung: Some(why), excuse: Some(excuse) })
            }
            (Err(why), _, _) => Err(Finding::ReferenceHung(why)),
        }
    }
}

/// What is right for a case.
#[derive(Debug)]
pub(crate) struct Expected {
    /// More than one answer if the reference is not stable. What the case lists comes first, so that a
    /// peer that differs from everything differs in the same way each time.
    answers: Vec<Observation>,
    /// Why the reference has no answer; then they are the goldens'.
    hung: Option<String>,
    /// See [`OtherVersions`].
    excuse: Option<Excuse>,
}

impl Expected {
    /// Notes in the `evidence` what can be known of a peer before it has done anything with `case`.
    pub(crate) fn announce(&self, case: &impl Case, evidence: &mut Evidence) {
        evidence.moved = self.excuse.as_ref().and_then(|excuse| excuse.moved(case, None));
    }

    /// Judges what `who` was `observed` to do with `case`, and notes in the `evidence` by what.
    pub(crate) fn judge(
        self,
        case: &impl Case,
        who: &'static str,
        observed: Observation,
        evidence: &mut Evidence,
    ) -> Finding {
        evidence.moved = self.excuse.and_then(|excuse| excuse.moved(case, Some(&observed)));
        let finding = match self.hung {
            Some(why) => Finding::ReferenceHung(why),
            None => judged(case, &self.answers, &observed),
        };
        take_up(self.answers, who, observed, evidence);
        finding
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
