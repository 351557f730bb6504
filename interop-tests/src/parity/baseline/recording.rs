//! Records goldens: every case runs at the live reference more than once.
//!
//! Outcomes that vary are not recorded unless the case lists them and states the reason. Otherwise goldens would
//! differ from one machine to the next.

use std::sync::Arc;

use anyhow::bail;

use crate::outcome::{Finding, Observation};
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::reference::{Case, Reference, Subject};
use crate::probe::pool;
use crate::process::RunContext;

/// How often each case runs.
const ROUNDS: usize = 3;

/// Runs all `cases` at the `reference`, at most `at_once` at a time.
pub(crate) fn record<S: Subject>(
    reference: &Reference<S>,
    cases: &[Arc<S::Case>],
    at_once: usize,
    context: &RunContext,
) -> anyhow::Result<Goldens> {
    let versions = reference.versions(context).map_err(anyhow::Error::msg)?;
    let mut outcomes: Vec<_> = cases.iter().map(|_| Ok(Vec::new())).collect();
    for _ in 0..ROUNDS {
        let _needs: Vec<_> = cases.iter().map(|case| reference.subject.need(case)).collect();
        let round = pool::map(cases, at_once, |case| reference.run(case, context));
        for (outcomes, outcome) in outcomes.iter_mut().zip(round) {
            add(outcomes, outcome);
        }
    }
    let mut goldens = Goldens { versions, answers: Vec::new() };
    let mut wrong = Vec::new();
    for (case, observed) in cases.iter().zip(outcomes) {
        let name = case.name();
        match observed.and_then(|observed| stable(observed, case.also())) {
            Ok(answers) => goldens.answers.push((name.to_owned(), answers)),
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    if !wrong.is_empty() {
        bail!(
            "no goldens were written, because these cases cannot be recorded:\n{}",
            wrong.join("\n")
        );
    }
    Ok(goldens)
}

/// The distinct outcomes of a case. The error is the reason why they cannot be recorded.
type Outcomes = Result<Vec<Observation>, String>;

/// Adds an outcome, which is `None` if the case panicked.
fn add(outcomes: &mut Outcomes, outcome: Option<Result<Observation, Finding>>) {
    let panicked = || Err("the case panicked, which is a bug in interop".to_owned());
    let outcome = outcome.map_or_else(panicked, |outcome| {
        outcome.map_err(|finding| match finding {
            Finding::SetUpError(why) | Finding::ReferenceHung(why) => why,
            other => format!("{other:?}"),
        })
    });
    match (outcomes.as_mut(), outcome) {
        (Ok(observed), Ok(outcome)) if observed.contains(&outcome) => {}
        (Ok(observed), Ok(outcome)) => observed.push(outcome),
        (Ok(_), Err(why)) => *outcomes = Err(why),
        (Err(_), _) => {}
    }
}

/// The outcomes to record after the outcomes `observed`; `also` are those that the case lists.
fn stable(observed: Vec<Observation>, also: &[Observation]) -> Result<Vec<Observation>, String> {
    if also.is_empty() {
        if observed.len() == 1 {
            return Ok(observed);
        }
        let observed: Vec<_> = observed.iter().map(Observation::to_string).collect();
        let outcomes = observed.join("or\n");
        return Err(format!(
            "the outcome varies; list these in `also` and state why in `unstable`:\n{outcomes}"
        ));
    }
    match observed.iter().find(|outcome| !also.contains(outcome)) {
        Some(new) => Err(format!("this outcome is not listed in `also`:\n{new}")),
        None => Ok(also.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::baseline::goldens::tests::observation;

    #[test]
    fn only_what_is_stable_or_listed_is_recorded() {
        let [ok, busy, idle] = ["status = OK", "status = BUSY", "status = IDLE"].map(observation);
        assert_eq!(stable(vec![ok.clone()], &[]), Ok(vec![ok.clone()]));
        let unstable = stable(vec![ok.clone(), busy.clone()], &[]).expect_err("not stable");
        assert!(unstable.ends_with("status = OK\nor\nstatus = BUSY\n"), "{unstable}");
        let both = [ok.clone(), busy.clone()];
        assert_eq!(stable(vec![busy.clone()], &both), Ok(both.to_vec()));
        let new = stable(vec![busy, idle], &both).expect_err("not listed");
        assert_eq!(new, "this outcome is not listed in `also`:\nstatus = IDLE\n");
    }
}
