//! The expected outcome of a case: that of the live reference, or its golden.
//!
//! A live reference can be of other versions than the goldens, and differ from them. Peers are to be like
//! the versions of the goldens: one that is, and differs from this reference, has neither passed nor failed.

use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::outcome::{
    BaselineKind, Evidence, Finding, Mismatch, Observation, ReferenceDrift, Report,
};
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::reference::{Case, Reference, Subject};
use crate::process::RunContext;

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
            Self::Live(reference, _) => Some(&reference.subject),
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
    /// How a peer is judged by the goldens where the reference differs from them; `observed` is its
    /// outcome in `case`, if it has one.
    pub(crate) fn drift(
        &self,
        case: &impl Case,
        observed: Option<&Observation>,
    ) -> Option<ReferenceDrift> {
        let Excuse { reason, golden } = self.excuse.as_ref()?;
        let finding = match (golden, observed) {
            (None, _) => None,
            (Some(golden), Some(observed)) => Some(case.compare(golden, observed).into()),
            (Some(_), None) => return None,
        };
        Some(ReferenceDrift { reason: reason.clone(), finding })
    }

    /// Judges what `who` was `observed` to do in `case`, and adds to the `evidence` what it was judged
    /// by.
    pub(crate) fn judge(
        self,
        case: &impl Case,
        who: &'static str,
        observed: Observation,
        evidence: &mut Evidence,
    ) -> Finding {
        let finding = match self.hung {
            Some(why) => Finding::ReferenceHung(why),
            None => case.compare(&self.outcomes, &observed).into(),
        };
        evidence.add_comparison(self.outcomes, who, observed);
        finding
    }
}

/// Why no trace shows a frame.
const NO_FRAMES: &str = "the reference ran the case once for all trials that need it, and what it \
                         sent then is not kept";

/// The goldens, and the versions of the reference where they are not those of the goldens.
#[derive(Debug)]
pub(crate) struct OtherVersions<'a> {
    goldens: &'a Goldens,
    versions: Vec<String>,
}

/// What a peer is judged by where the reference differs from its golden.
#[derive(Debug)]
pub(crate) struct Excuse {
    reason: String,
    /// The outcome that the peer is to have instead. There is none for a peer with the reference's
    /// libraries: it changes with the reference, and what else these versions do is unknown.
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
        reference_command: reference.subject.command(context),
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
    fn a_reference_that_hung_is_reported() {
        let outcomes = vec![observation("status = OK")];
        let expected = Expected { outcomes, hung: Some("it hung".to_owned()), excuse: None };
        let observed = observation("status = OK");
        let finding =
            expected.judge(&OneCase::default(), "client", observed, &mut Evidence::default());
        assert!(matches!(finding, Finding::ReferenceHung(why) if why == "it hung"));
    }

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
        let excuse = excuse("status = OK", Ok("status = INTERNAL"), false);
        let expected = Expected { outcomes: Vec::new(), hung: None, excuse };
        let case = OneCase::default();
        assert!(expected.drift(&case, None).is_none(), "nothing was observed");
        for (observed, is_like_golden) in [("status = OK", true), ("status = UNKNOWN", false)] {
            let drift = expected.drift(&case, Some(&observation(observed))).expect("a drift");
            let finding = drift.finding.expect("a finding");
            assert_eq!(matches!(finding, Finding::Match), is_like_golden, "{observed}");
        }
        assert_eq!(
            expected.excuse.expect("an excuse").reason,
            "the goldens are of one 1, this is one 2, which answers otherwise: status; `make golden`"
        );
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
