//! The expected outcome of a case: that of the live reference, or its golden.
//!
//! A suite gets an [`Expected`] from either, and what judges a peer by it need not know which it was.

use std::sync::Arc;

use crate::outcome::evidence::Evidence;
use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;
use crate::outcome::trial::BaselineKind;
use crate::parity::baseline::case::Case;
use crate::parity::baseline::drift::{Excuse, OtherVersions};
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::reference::Reference;
use crate::parity::baseline::subject::Subject;
use crate::process::context::RunContext;

/// What peers are compared with.
#[derive(Debug)]
pub(crate) enum Baseline<S> {
    /// With the goldens, in case the reference is of other versions.
    Live(Arc<Reference<S>>, Option<Arc<Goldens>>),
    Golden(Arc<Goldens>),
}

impl<S: Subject> Baseline<S> {
    pub(crate) fn kind(&self) -> BaselineKind {
        match self {
            Self::Live(..) => BaselineKind::Live,
            Self::Golden(_) => BaselineKind::Golden,
        }
    }

    /// The live reference.
    pub(crate) fn live(&self) -> Option<&S> {
        match self {
            Self::Live(reference, _) => Some(reference.subject()),
            Self::Golden(_) => None,
        }
    }

    /// The expected outcome of `case` for a peer; `is_kin` is one that is made of what the reference is
    /// made of.
    pub(crate) fn expected(
        &self,
        case: &Arc<S::Case>,
        is_kin: bool,
        context: &RunContext,
    ) -> Result<Expected, Finding> {
        let (reference, goldens) = match self {
            Self::Live(reference, goldens) => (reference, goldens.as_deref()),
            Self::Golden(goldens) => {
                let outcomes = goldens.must_have(case.name())?.to_vec();
                return Ok(Expected { outcomes, hung: None, excuse: None });
            }
        };
        let outcome = match reference.outcome(case, context) {
            Err(Finding::ReferenceHung(why)) => Err(why),
            outcome => Ok(outcome?),
        };
        // Versions that are unknown count as those of the goldens.
        let other =
            goldens.and_then(|goldens| OtherVersions::of(reference, goldens, context).ok()?);
        let excuse = other.and_then(|other| other.excuse(&**case, &outcome, is_kin));
        match outcome {
            Ok(outcome) => {
                let mut outcomes = case.also().to_vec();
                if !outcomes.contains(&outcome) {
                    outcomes.push(outcome);
                }
                Ok(Expected { outcomes, hung: None, excuse })
            }
            Err(why) => {
                let golden = goldens.and_then(|goldens| goldens.of(case.name()));
                match golden.filter(|_| excuse.is_some()) {
                    Some(golden) => {
                        Ok(Expected { outcomes: golden.to_vec(), hung: Some(why), excuse })
                    }
                    None => Err(Finding::ReferenceHung(why)),
                }
            }
        }
    }
}

/// The expected outcome of a case.
#[derive(Debug)]
pub(crate) struct Expected {
    /// More than one if the reference is not stable. Those that the case lists come first, so that a
    /// peer that differs from all of them differs in the same way each time.
    outcomes: Vec<Observation>,
    /// Why the reference has no outcome; then the outcomes are the goldens'.
    hung: Option<String>,
    /// Where the reference differs from the goldens.
    excuse: Option<Excuse>,
}

impl Expected {
    /// Notes in the `evidence` what is known of a peer before it has run `case`.
    pub(crate) fn announce(&self, case: &impl Case, evidence: &mut Evidence) {
        evidence.drift = self.excuse.as_ref().and_then(|excuse| excuse.drift(case, None));
    }

    /// Judges what `who` was `observed` to do in `case`, and notes in the `evidence` what it was judged
    /// by.
    pub(crate) fn judge(
        self,
        case: &impl Case,
        who: &'static str,
        observed: Observation,
        evidence: &mut Evidence,
    ) -> Finding {
        evidence.drift = self.excuse.and_then(|excuse| excuse.drift(case, Some(&observed)));
        let finding = match self.hung {
            Some(why) => Finding::ReferenceHung(why),
            None => case.compare(&self.outcomes, &observed).into(),
        };
        evidence.add_comparison(self.outcomes, who, observed);
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::baseline::goldens::tests::{OneCase, observation};

    fn judged(outcomes: &[&str], case: &OneCase, observed: &str) -> (Finding, Evidence) {
        let outcomes = outcomes.iter().map(|text| observation(text)).collect();
        let expected = Expected { outcomes, hung: None, excuse: None };
        let mut evidence = Evidence::default();
        let finding = expected.judge(case, "server", observation(observed), &mut evidence);
        (finding, evidence)
    }

    #[test]
    fn a_peer_is_compared_with_the_nearest_outcome() {
        let outcomes = ["status = OK\nvalue = 4.0", "status = INTERNAL\nmessage = busy"];
        let (finding, evidence) =
            judged(&outcomes, &OneCase::default(), "status = INTERNAL\nmessage = idle");
        let Finding::Mismatches(mismatches) = finding else { panic!("{finding:?}") };
        let whats: Vec<_> = mismatches.iter().map(|mismatch| &mismatch.what[..]).collect();
        assert_eq!(whats, ["message"]);
        assert_eq!((evidence.expected.len(), evidence.observed_of), (2, Some("server")));
        let (finding, _) = judged(&outcomes, &OneCase::default(), outcomes[1]);
        assert!(matches!(finding, Finding::Match));
    }

    #[test]
    fn what_the_table_states_is_demanded_too() {
        let case = OneCase { forbidden: Some("OK"), ..OneCase::default() };
        let (finding, _) = judged(&["status = OK"], &case, "status = OK");
        let Finding::Mismatches(mismatches) = finding else { panic!("{finding:?}") };
        assert_eq!(mismatches[0].what, "stated status");
    }

    #[test]
    fn a_reference_that_hung_is_told() {
        let outcomes = vec![observation("status = OK")];
        let expected = Expected { outcomes, hung: Some("it hung".to_owned()), excuse: None };
        let observed = observation("status = OK");
        let finding =
            expected.judge(&OneCase::default(), "client", observed, &mut Evidence::default());
        assert!(matches!(finding, Finding::ReferenceHung(why) if why == "it hung"));
    }
}
