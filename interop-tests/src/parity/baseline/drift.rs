//! A live reference that is of other versions than the goldens, and may do otherwise than they say.
//!
//! Peers are to be like the versions of the goldens. One that is, and differs from this reference, has
//! neither passed nor failed. Where both are of the same versions nothing here applies.

use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::outcome::evidence::{Evidence, Report};
use crate::outcome::finding::{Finding, Mismatch, ReferenceDrift};
use crate::outcome::observation::Observation;
use crate::parity::baseline::case::Case;
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::reference::Reference;
use crate::parity::baseline::subject::Subject;
use crate::process::context::RunContext;

/// Why no trace shows a frame.
const NO_FRAMES: &str = "the reference ran the case once for all trials that need it, and what it \
                         sent then is not kept";

/// The goldens, and the versions of the reference where they are not those of the goldens.
#[derive(Debug)]
pub(crate) struct OtherVersions<'a> {
    goldens: &'a Goldens,
    versions: Vec<String>,
}

/// What a peer is judged by beside a reference that does otherwise than its golden says.
#[derive(Debug)]
pub(crate) struct Excuse {
    reason: String,
    /// What the peer is to be like instead. There is none for a peer that is made of what the reference
    /// is made of: it changes with the reference, and what else these versions do is unknown.
    golden: Option<Vec<Observation>>,
}

impl<'a> OtherVersions<'a> {
    /// `None` if the versions are those of the goldens; the error says why they are unknown.
    pub(crate) fn of(
        reference: &Reference<impl Subject>,
        goldens: &'a Goldens,
        context: &RunContext,
    ) -> Result<Option<Self>, String> {
        let versions = reference.versions(context)?;
        Ok((versions != goldens.versions).then_some(Self { goldens, versions }))
    }

    /// Why something is not supported: the reference of these versions does `what`.
    fn reason(&self, what: &str) -> String {
        format!(
            "the goldens are of {}, this is {}, which {what}",
            self.goldens.versions.join(", "),
            self.versions.join(", ")
        )
    }

    fn reason_of_mismatches(&self, mismatches: &[Mismatch]) -> String {
        let whats: Vec<_> = mismatches.iter().map(|mismatch| &mismatch.what[..]).collect();
        self.reason(&format!("answers otherwise: {}; `make golden`", whats.join(", ")))
    }

    fn reason_of_hanging(&self, why: &str) -> String {
        self.reason(&format!("hangs with this: {why}"))
    }

    /// The excuse of a peer that is not like the outcome of the reference in `case`, if that outcome, or
    /// that it hung, is not what the golden says; `is_kin` is one that is made of what the reference is.
    pub(crate) fn excuse(
        &self,
        case: &impl Case,
        outcome: &Result<Observation, String>,
        is_kin: bool,
    ) -> Option<Excuse> {
        let golden = self.goldens.of(case.name());
        let reason = match outcome {
            Err(why) => self.reason_of_hanging(why),
            Ok(outcome) => match differences(golden.unwrap_or_default(), outcome) {
                mismatches if !mismatches.is_empty() => self.reason_of_mismatches(&mismatches),
                _ if is_kin => self.reason("does not always answer the same"),
                _ => return None,
            },
        };
        Some(Excuse { reason, golden: golden.filter(|_| !is_kin).map(<[_]>::to_vec) })
    }
}

impl Excuse {
    /// How a peer that was `observed` in `case` is judged by the goldens; before it was observed, that
    /// of a peer which is not judged by them.
    pub(crate) fn drift(
        &self,
        case: &impl Case,
        observed: Option<&Observation>,
    ) -> Option<ReferenceDrift> {
        let finding = match (&self.golden, observed) {
            (None, _) => None,
            (Some(golden), Some(observed)) => Some(case.compare(golden, observed).into()),
            (Some(_), None) => return None,
        };
        Some(ReferenceDrift { reason: self.reason.clone(), finding })
    }
}

/// How `observed` differs from the nearest golden; also where the golden accepts any text and this is
/// one that a peer has to have.
fn differences(golden: &[Observation], observed: &Observation) -> Vec<Mismatch> {
    let both_ways = golden.iter().map(|golden| {
        let mismatches = golden.mismatches(observed);
        if mismatches.is_empty() { observed.mismatches(golden) } else { mismatches }
    });
    both_ways.min_by_key(Vec::len).unwrap_or_default()
}

/// Compares the outcome of the `reference` in `case` with its golden. A difference is a failure only
/// where the versions are the same.
pub(crate) fn check<S: Subject>(
    case: &Arc<S::Case>,
    reference: &Reference<S>,
    goldens: &Goldens,
    context: &RunContext,
) -> Report {
    let mut evidence = Evidence {
        about: Some(format!(
            "{}\nif the reference is right, `make golden` records what it answers now",
            case.description()
        )),
        grade: Some(case.grade()),
        reference_command: reference.subject().command(context),
        recorder: Some(Recorder::unavailable(NO_FRAMES)),
        ..Evidence::default()
    };
    let mut compare = || {
        let golden = goldens.must_have(case.name())?;
        let other = || OtherVersions::of(reference, goldens, context).map_err(Finding::SetUpError);
        let outcome = match reference.outcome(case, context) {
            Err(Finding::ReferenceHung(why)) => {
                return Ok(match other()? {
                    Some(other) => Finding::NotSupported(other.reason_of_hanging(&why)),
                    None => Finding::ReferenceHung(why),
                });
            }
            outcome => outcome?,
        };
        let mismatches = case.compare(golden, &outcome);
        evidence.add_comparison(golden.to_vec(), "reference now", outcome);
        if mismatches.is_empty() {
            return Ok(Finding::Match);
        }
        Ok(match other()? {
            Some(other) => Finding::NotSupported(other.reason_of_mismatches(&mismatches)),
            None => Finding::Mismatches(mismatches),
        })
    };
    let finding = compare().unwrap_or_else(|finding| finding);
    Report { finding, evidence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::baseline::goldens::tests::{OneCase, observation};

    fn excuse(golden: &str, outcome: Result<&str, &str>, is_kin: bool) -> Option<Excuse> {
        let goldens = Goldens {
            versions: vec!["one 1".to_owned()],
            answers: vec![("case".to_owned(), vec![observation(golden)])],
        };
        let other = OtherVersions { goldens: &goldens, versions: vec!["one 2".to_owned()] };
        let outcome = outcome.map(observation).map_err(str::to_owned);
        other.excuse(&OneCase::default(), &outcome, is_kin)
    }

    #[test]
    fn a_reference_as_its_golden_excuses_no_peer_but_its_kin() {
        assert!(excuse("status = OK", Ok("status = OK"), false).is_none());
        let kin = excuse("status = OK", Ok("status = OK"), true).expect("an excuse");
        assert!(kin.reason.ends_with("which does not always answer the same"), "{}", kin.reason);
        assert_eq!(kin.golden, None);
    }

    #[test]
    fn a_reference_that_answers_otherwise_makes_the_golden_count() {
        let excuse = excuse("status = OK", Ok("status = INTERNAL"), false).expect("an excuse");
        assert_eq!(
            excuse.reason,
            "the goldens are of one 1, this is one 2, which answers otherwise: status; `make golden`"
        );
        let case = OneCase::default();
        assert!(excuse.drift(&case, None).is_none(), "nothing was observed");
        for (observed, is_like_golden) in [("status = OK", true), ("status = UNKNOWN", false)] {
            let drift = excuse.drift(&case, Some(&observation(observed))).expect("a drift");
            let finding = drift.finding.expect("a finding");
            assert_eq!(matches!(finding, Finding::Match), is_like_golden, "{observed}");
        }
    }

    #[test]
    fn a_text_where_the_golden_accepts_any_is_a_difference() {
        assert!(excuse("message = (any)", Ok("message = (any)"), false).is_none());
        assert!(excuse("message = (any)", Ok("message = gone"), false).is_some());
    }

    #[test]
    fn a_reference_that_hangs_excuses_peers() {
        let excuse = excuse("status = OK", Err("it hangs"), false).expect("an excuse");
        assert!(excuse.reason.ends_with("which hangs with this: it hangs"), "{}", excuse.reason);
    }
}
