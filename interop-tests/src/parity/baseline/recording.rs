//! Recording goldens: every case is run at the live reference, more than once.
//!
//! An outcome that does not come again is not recorded: the case has to say why it is not stable, or
//! goldens would differ from one machine to the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use anyhow::bail;
use parking_lot::Mutex;

use crate::outcome::{Finding, Observation};
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::reference::{Case, Reference, Subject};
use crate::process::RunContext;

/// How often each case is run.
const ROUNDS: usize = 3;

/// Runs all `cases` at the `reference`, at most `at_once` at the same time.
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
        match outcomes.remove(name).unwrap_or_else(|| Err("it was not run".to_owned())) {
            Ok(answers) => goldens.answers.push((name.to_owned(), answers)),
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    if !wrong.is_empty() {
        bail!("nothing is recorded, because of\n{}", wrong.join("\n"));
    }
    Ok(goldens)
}

/// The outcomes of `case`; the error says why they cannot be recorded.
fn outcomes_of<S: Subject>(
    case: &Arc<S::Case>,
    reference: &Reference<S>,
    context: &RunContext,
) -> Result<Vec<Observation>, String> {
    let mut seen: Vec<Observation> = Vec::new();
    for _ in 0..ROUNDS {
        let outcome = reference.run(case, context).map_err(|finding| match finding {
            Finding::SetUpError(why) | Finding::ReferenceHung(why) => why,
            other => format!("{other:?}"),
        })?;
        if !seen.contains(&outcome) {
            seen.push(outcome);
        }
    }
    stable(seen, case.also())
}

/// What is recorded where the outcomes `seen` have come; `also` is what the case lists.
fn stable(seen: Vec<Observation>, also: &[Observation]) -> Result<Vec<Observation>, String> {
    if also.is_empty() {
        if seen.len() == 1 {
            return Ok(seen);
        }
        let seen: Vec<_> = seen.iter().map(Observation::to_string).collect();
        return Err(format!("not stable; it was seen to answer\n{}", seen.join("or\n")));
    }
    match seen.iter().find(|outcome| !also.contains(outcome)) {
        Some(new) => Err(format!("an answer that `also` does not list:\n{new}")),
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
        assert_eq!(new, "an answer that `also` does not list:\nstatus = IDLE\n");
    }
}
