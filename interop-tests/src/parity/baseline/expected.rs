//! The expected outcome of a case: the outcome of the live reference, or its golden.
//!
//! The versions of a live reference can differ from those of the goldens, and so can its outcomes. Peers must behave
//! like the versions of the goldens. So a peer that matches the golden and differs from this reference has neither
//! passed nor failed.

use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::outcome::{
    BaselineKind, Evidence, Finding, Mismatch, Need, Observation, ReferenceDrift, Report,
};
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::reference::{Case, REFERENCE, Reference, Subject};
use crate::process::RunContext;

/// What peers are compared with.
#[derive(Debug)]
pub(crate) enum Baseline<S> {
    /// The live reference. The goldens are used if its versions differ from theirs.
    Live(Arc<Reference<S>>, Option<Arc<Goldens>>),
    /// The goldens alone.
    Golden(Arc<Goldens>),
}

impl<S: Subject> Baseline<S> {
    /// The kind of the baseline.
    pub(crate) fn kind(&self) -> BaselineKind {
        match self {
            Self::Live(..) => BaselineKind::Live,
            Self::Golden(_) => BaselineKind::Golden,
        }
    }

    /// The live reference, if it is used.
    pub(crate) fn live(&self) -> Option<&S> {
        match self {
            Self::Live(reference, _) => Some(&reference.subject),
            Self::Golden(_) => None,
        }
    }

    /// Notes that a trial needs the outcome of `case` from the live reference, if it is used.
    pub(crate) fn need(&self, case: &Arc<S::Case>) -> Option<Need<Arc<S::Case>>> {
        self.live()?.need(case)
    }

    /// The expected outcome of `case` for a peer. `shares_libraries` is whether the peer uses the same libraries as
    /// the reference.
    pub(crate) fn expected(
        &self,
        case: &Arc<S::Case>,
        shares_libraries: bool,
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
        // Unknown versions count as those of the goldens.
        let other =
            goldens.and_then(|goldens| OtherVersions::of(reference, goldens, context).ok()?);
        let excuse = other.and_then(|other| other.excuse(&**case, &outcome, shares_libraries));
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
    /// The accepted outcomes; more than one if the reference is not stable. The outcomes that the case lists come
    /// first, so that a peer that differs from all of them gets the same mismatches in each run.
    outcomes: Vec<Observation>,
    /// Why the reference reported no outcome. Then `outcomes` are those of the goldens.
    hung: Option<String>,
    /// Set if the reference differs from the goldens.
    excuse: Option<Excuse>,
}

impl Expected {
    /// If the reference differs from the goldens: how the peer compares with the goldens. `observed` is its outcome
    /// in `case`, if it has one.
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

    /// Compares the outcome `observed` of the side `who` in `case`, and adds both outcomes to `evidence`.
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
        evidence.expected = self.outcomes;
        evidence.observed = Some(observed);
        evidence.observed_of = Some(who);
        finding
    }
}

/// The note in a trace without frames.
const NO_FRAMES: &str = "frames are not recorded: the reference runs a case once for all trials, \
                         and its frames are not kept";

/// The goldens, and the versions of a reference that differ from those of the goldens.
#[derive(Debug)]
pub(crate) struct OtherVersions<'a> {
    goldens: &'a Goldens,
    versions: Vec<String>,
}

/// How to judge a peer in a case in which the reference differs from the golden.
#[derive(Debug)]
pub(crate) struct Excuse {
    reason: String,
    /// The outcome that the peer must have instead. `None` for a peer with the reference's libraries: it changes with
    /// the reference, so the golden does not apply.
    golden: Option<Vec<Observation>>,
}

impl<'a> OtherVersions<'a> {
    /// `None` if the versions equal those of the goldens. The error is the reason why they are unknown.
    pub(crate) fn of(
        reference: &Reference<impl Subject>,
        goldens: &'a Goldens,
        context: &RunContext,
    ) -> Result<Option<Self>, String> {
        let versions = reference.versions(context)?;
        Ok((versions != goldens.versions).then_some(Self { goldens, versions }))
    }

    /// The reason why a trial is not supported: with its versions, the reference `does` something else.
    fn reason(&self, does: &str) -> String {
        let of_reference = listed(&self.versions, &self.goldens.versions);
        let of_goldens = listed(&self.goldens.versions, &self.versions);
        format!(
            "the reference {does}; it is {of_reference}, but the goldens were recorded from {of_goldens} \
             (`make golden` records them from this reference)"
        )
    }

    fn reason_of_mismatches(&self, mismatches: &[Mismatch]) -> String {
        let whats: Vec<_> = mismatches.iter().map(|mismatch| &mismatch.what[..]).collect();
        self.reason(&format!("differs from its golden in {}", whats.join(", ")))
    }

    fn reason_of_hanging(&self, why: &str) -> String {
        let why = why.strip_prefix(REFERENCE).unwrap_or(why);
        self.reason(&format!("reports no outcome: {why}"))
    }

    /// The excuse of a peer that differs from the `outcome` of the reference in `case`, if the reference hung or its
    /// outcome differs from the golden. A peer that `shares_libraries` with the reference is always excused.
    pub(crate) fn excuse(
        &self,
        case: &impl Case,
        outcome: &Result<Observation, String>,
        shares_libraries: bool,
    ) -> Option<Excuse> {
        let golden = self.goldens.of(case.name());
        let reason = match outcome {
            Err(why) => self.reason_of_hanging(why),
            Ok(outcome) => match differences(golden.unwrap_or_default(), outcome) {
                mismatches if !mismatches.is_empty() => self.reason_of_mismatches(&mismatches),
                _ if shares_libraries => self.reason("has different outcomes in different runs"),
                _ => return None,
            },
        };
        Some(Excuse { reason, golden: golden.filter(|_| !shares_libraries).map(<[_]>::to_vec) })
    }
}

/// The `versions` that are not among `others`, or all if there are none.
fn listed(versions: &[String], others: &[String]) -> String {
    let own: Vec<_> =
        versions.iter().filter(|version| !others.contains(version)).cloned().collect();
    if own.is_empty() { versions.join(", ") } else { own.join(", ") }
}

/// The differences between `observed` and the nearest golden. A text is also a difference if the golden accepts any
/// text there, because peers must have this text.
fn differences(golden: &[Observation], observed: &Observation) -> Vec<Mismatch> {
    let both_ways = golden.iter().map(|golden| {
        let mismatches = golden.mismatches(observed);
        if mismatches.is_empty() { observed.mismatches(golden) } else { mismatches }
    });
    both_ways.min_by_key(Vec::len).unwrap_or_default()
}

/// Compares the outcome of the `reference` in `case` with its golden. A difference is a failure only if the versions
/// are the same.
pub(crate) fn check<S: Subject>(
    case: &Arc<S::Case>,
    reference: &Reference<S>,
    goldens: &Goldens,
    context: &RunContext,
) -> Report {
    let mut evidence = Evidence {
        about: Some(format!(
            "{}\nif the new outcome of the reference is correct, record it with `make golden`",
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
        evidence.expected = golden.to_vec();
        evidence.observed = Some(outcome);
        evidence.observed_of = Some("reference");
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
    fn the_stated_expectation_applies_too() {
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

    fn excuse(golden: &str, outcome: Result<&str, &str>, shares_libraries: bool) -> Option<Excuse> {
        let goldens = Goldens {
            versions: vec!["one 1".to_owned()],
            answers: vec![("case".to_owned(), vec![observation(golden)])],
        };
        let other = OtherVersions { goldens: &goldens, versions: vec!["one 2".to_owned()] };
        let outcome = outcome.map(observation).map_err(str::to_owned);
        other.excuse(&OneCase::default(), &outcome, shares_libraries)
    }

    #[test]
    fn if_the_reference_matches_its_golden_only_peers_with_its_libraries_may_differ() {
        assert!(excuse("status = OK", Ok("status = OK"), false).is_none());
        let excuse = excuse("status = OK", Ok("status = OK"), true).expect("there is no reason");
        let reason = "the reference has different outcomes in different runs; ";
        assert!(excuse.reason.starts_with(reason), "{}", excuse.reason);
        assert_eq!(excuse.golden, None);
    }

    #[test]
    fn if_the_reference_differs_from_its_golden_the_golden_counts() {
        let excuse = excuse("status = OK", Ok("status = INTERNAL"), false);
        let expected = Expected { outcomes: Vec::new(), hung: None, excuse };
        let case = OneCase::default();
        assert!(expected.drift(&case, None).is_none(), "nothing was observed");
        for (observed, is_like_golden) in [("status = OK", true), ("status = UNKNOWN", false)] {
            let drift = expected
                .drift(&case, Some(&observation(observed)))
                .expect("there is no difference");
            let finding = drift.finding.expect("there is no finding");
            assert_eq!(matches!(finding, Finding::Match), is_like_golden, "{observed}");
        }
        assert_eq!(
            expected.excuse.expect("there is no reason").reason,
            "the reference differs from its golden in status; it is one 2, but the goldens were recorded \
             from one 1 (`make golden` records them from this reference)"
        );
    }

    #[test]
    fn a_text_where_the_golden_accepts_any_is_a_difference() {
        assert!(excuse("message = (any)", Ok("message = (any)"), false).is_none());
        assert!(excuse("message = (any)", Ok("message = gone"), false).is_some());
    }

    #[test]
    fn a_hanging_reference_makes_trials_not_supported() {
        let excuse = excuse("status = OK", Err("it hangs"), false).expect("there is no reason");
        let reason = "the reference reports no outcome: it hangs; it is one 2";
        assert!(excuse.reason.starts_with(reason), "{}", excuse.reason);
    }
}
