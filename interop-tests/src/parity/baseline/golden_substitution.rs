//! Goldens instead of a live reference that could run.
//!
//! For a reference that takes long to start: where its versions are those that the goldens were recorded
//! from, it does what they say. That is verified in every run with a sample of the cases. A behaviour that
//! was changed after its golden shows with the agents, for which the reference always runs.

use std::sync::Arc;

use crate::http2::message::checksum;
use crate::parity::baseline::case::Case;
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::reference::{Reference, Subject};
use crate::process::context::RunContext;

/// One of so many cases is run at the live reference.
const SAMPLE: u64 = 32;

/// The goldens that replace the reference of a suite, in all cases that they have except for the sample;
/// or why none do.
#[derive(Clone, Debug)]
pub(crate) struct GoldenSubstitution(pub(crate) Result<Arc<Goldens>, String>);

impl GoldenSubstitution {
    /// Compares the versions of `reference` with those of `goldens`.
    pub(crate) fn of(
        reference: &Reference<impl Subject>,
        goldens: &Arc<Goldens>,
        context: &RunContext,
    ) -> Self {
        Self(reference.versions(context).and_then(|versions| {
            if versions == goldens.versions {
                return Ok(Arc::clone(goldens));
            }
            let (of, this) = (goldens.versions.join(", "), versions.join(", "));
            Err(format!("they are of {of}, and this is {this}"))
        }))
    }

    /// Whether the golden of `case` replaces the reference.
    pub(crate) fn applies_to(&self, case: &impl Case) -> bool {
        let has_golden = |goldens: &Arc<Goldens>| goldens.of(case.name()).is_some();
        self.0.as_ref().is_ok_and(has_golden) && !is_in_sample(case)
    }

    /// What a reader of a run with `cases` should know.
    pub(crate) fn note(&self, cases: &[Arc<impl Case>]) -> String {
        match &self.0 {
            Ok(goldens) => format!(
                "the goldens stood in for the reference's client program in {} of {} cases, as they \
                 are of {}; --baseline live runs it in all",
                cases.iter().filter(|case| self.applies_to(&***case)).count(),
                cases.len(),
                goldens.versions.join(", ")
            ),
            Err(why) => {
                format!("the goldens did not stand in for the reference's client program: {why}")
            }
        }
    }
}

/// The sample is drawn by the names of cases, so that it stays the same when others are added. Cases of
/// which the tables state an expectation are always in it, because the reference is judged by that too.
fn is_in_sample(case: &impl Case) -> bool {
    case.has_expectation() || checksum(case.name().as_bytes()).is_multiple_of(SAMPLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::baseline::goldens::tests::OneCase;

    #[test]
    fn goldens_replace_the_reference_but_in_the_sample() {
        let names = (0..320).map(|number| format!("case-{number}"));
        let goldens = names.clone().map(|name| (name, Vec::new())).collect();
        let goldens = Arc::new(Goldens { versions: vec!["one 1".to_owned()], answers: goldens });
        let substitution = GoldenSubstitution(Ok(goldens));
        let case = |name: String| Arc::new(OneCase { name, ..OneCase::default() });
        let cases: Vec<_> = names.map(case).collect();
        let live = cases.iter().filter(|case| !substitution.applies_to(&***case)).count();
        assert!((1..=30).contains(&live), "about one in {SAMPLE}, and not {live} of 320");
        assert!(substitution.note(&cases).contains(&format!("in {} of 320 cases", 320 - live)));
        assert!(!substitution.applies_to(&OneCase::default()), "it has no golden");
        let replaced = cases.iter().find(|case| substitution.applies_to(&***case));
        let name = replaced.expect("a case").name.clone();
        let stated = OneCase { name, forbidden: Some("OK"), ..OneCase::default() };
        assert!(!substitution.applies_to(&stated), "its table states an expectation");
    }
}
