//! Records goldens: every case runs at the live reference more than once.
//!
//! Outcomes that vary are not recorded unless the case lists them and states the reason. Otherwise goldens would
//! differ from one machine to the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use anyhow::bail;
use parking_lot::Mutex;

use crate::outcome::{Finding, Observation};
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::reference::{Case, Reference, Subject};
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
    let queue = Mutex::new(cases.iter());
    let work = || {
        let queued = std::iter::from_fn(|| queue.lock().next());
        queued.map(|case| (case.name(), outcomes_of(case, reference, context))).collect::<Vec<_>>()
    };
    let mut outcomes: BTreeMap<_, _> = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let mut goldens = Goldens { versions, answers: Vec::new() };
    let mut wrong = Vec::new();
    for name in cases.iter().map(|case| case.name()) {
        match outcomes.remove(name).unwrap_or_else(|| {
            Err("the case did not run, because another case panicked".to_owned())
        }) {
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

/// The outcomes of `case`. The error is the reason why they cannot be recorded.
fn outcomes_of<S: Subject>(
    case: &Arc<S::Case>,
    reference: &Reference<S>,
    context: &RunContext,
) -> Result<Vec<Observation>, String> {
    let mut observed: Vec<Observation> = Vec::new();
    for _ in 0..ROUNDS {
        let outcome = reference.run(case, context).map_err(|finding| match finding {
            Finding::SetUpError(why) | Finding::ReferenceHung(why) => why,
            other => format!("{other:?}"),
        })?;
        if !observed.contains(&outcome) {
            observed.push(outcome);
        }
    }
    stable(observed, case.also())
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
