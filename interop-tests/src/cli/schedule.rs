//! The order in which the trials of a run begin.
//!
//! Long trials begin early, so that no processor waits for a long trial that began last. How long a trial takes is
//! known from earlier runs with the same output folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::outcome::Trial;
use crate::output::file::{Unwritten, replace};
use crate::report::record::trial::TrialRecord;

/// How many trials have begun at the same time. Nearly all of them wait: for an agent, for the port, for another
/// trial of the same server, or for a timer. A trial that waits must not keep another one from beginning, and
/// semaphores limit how many use a processor.
pub(crate) const RUNNING_AT_ONCE: usize = 512;

/// The relative length of a list of trials.
const LENGTH: usize = 1 << 24;

/// The part of a list in which its long trials begin.
const FIRST_PART: usize = LENGTH / 2;

/// The duration of a long trial, in milliseconds.
const LONG_MS: f64 = 500.0;

/// The durations of the trials of earlier runs in milliseconds, by name.
#[derive(Debug, Default)]
pub(crate) struct Durations(BTreeMap<String, f64>);

impl Durations {
    fn file(output: &Path) -> PathBuf {
        output.join("durations.json")
    }

    /// Reads the durations in the folder `output`. They are only a hint, so a file that is missing or not valid
    /// counts as empty.
    pub(crate) fn read(output: &Path) -> Self {
        let text = std::fs::read(Self::file(output)).unwrap_or_default();
        Self(serde_json::from_slice(&text).unwrap_or_default())
    }

    /// Adds the durations of these trials, and writes all to the folder `output`.
    pub(crate) fn update(
        mut self,
        trials: &[Arc<TrialRecord>],
        output: &Path,
    ) -> Result<(), Unwritten> {
        // Those of skipped trials are 0.
        let ran = trials.iter().filter(|trial| trial.duration_ms > 0.0);
        self.0.extend(ran.map(|trial| (trial.name.clone(), trial.duration_ms)));
        replace(&Self::file(output), |out| Ok(serde_json::to_writer(out, &self.0)?))
    }
}

/// The trials in the order in which they begin.
///
/// Trials of the same peers wait for each other, so they are spread evenly over the run. The same holds for
/// trials that mostly wait: if all running trials waited, the processors would be idle.
///
/// The users of port 50051 run one after the other, in the order of [`PortUser`](crate::outcome::PortUser), and
/// their trials begin in this order. So a trial that waits for the port waits only for trials that already run, and
/// never for one that cannot begin because all threads wait. All other trials are spread between them.
pub(crate) fn in_order(trials: Vec<Trial>, durations: &Durations) -> Vec<Trial> {
    let mut users: BTreeMap<_, Vec<Trial>> = BTreeMap::new();
    for trial in trials {
        users.entry(trial.port_user).or_default().push(trial);
    }
    let spread = |trials| spread(trials, durations);
    let others = users.remove(&None).map(spread).unwrap_or_default();
    let queue: Vec<_> = users.into_values().flat_map(spread).collect();
    placed([queue, others].into_iter().flat_map(|trials| with_positions(trials, LENGTH)))
}

/// Spreads the trials of each kind evenly over the whole list, and the long ones over its first part. Not all of them
/// begin at once, because most of their time they wait.
fn spread(trials: Vec<Trial>, durations: &Durations) -> Vec<Trial> {
    let mut kinds: BTreeMap<_, Vec<Trial>> = BTreeMap::new();
    for trial in trials {
        let name = &trial.name;
        let is_long = durations.0.get(&name.to_string()).is_some_and(|ms| *ms >= LONG_MS);
        let kind = (is_long, name.group(), name.baseline, trial.waits);
        kinds.entry(kind).or_default().push(trial);
    }
    placed(kinds.into_iter().flat_map(|(kind, trials)| {
        let (is_long, ..) = kind;
        with_positions(trials, if is_long { FIRST_PART } else { LENGTH })
    }))
}

/// The trials in the order of their positions.
fn placed(trials: impl Iterator<Item = (usize, Trial)>) -> Vec<Trial> {
    let mut placed: Vec<_> = trials.collect();
    placed.sort_by_key(|(position, _)| *position);
    placed.into_iter().map(|(_, trial)| trial).collect()
}

/// Each trial with its relative position in a list of the length [`LENGTH`], spread evenly over its first `part`.
fn with_positions(trials: Vec<Trial>, part: usize) -> impl Iterator<Item = (usize, Trial)> {
    let count = trials.len();
    let position = move |index| (2 * index + 1) * part / (2 * count);
    trials.into_iter().enumerate().map(move |(index, trial)| (position(index), trial))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{PortUser, TrialName};

    fn trial(server: &str, case: &str, waits: bool) -> Trial {
        let name = TrialName::stated("calls", server, "client", case.to_owned());
        Trial { waits, ..Trial::new(name, || unreachable!("the test does not run it")) }
    }

    fn cases(trials: Vec<Trial>, durations: &Durations) -> Vec<String> {
        in_order(trials, durations).into_iter().map(|trial| trial.name.case).collect()
    }

    #[test]
    fn users_of_the_port_take_turns_between_other_trials() {
        let user =
            |user| Trial { port_user: Some(user), ..trial("a", &format!("{user:?}"), false) };
        let users = [PortUser::ReferenceServer, PortUser::ClientPrograms, PortUser::Programs];
        let others = ["1", "2", "3"].map(|case| trial("a", case, false));
        let trials = users.map(user).into_iter().chain(others).collect();
        let order = cases(trials, &Durations::default());
        assert_eq!(order, ["Programs", "1", "ClientPrograms", "2", "ReferenceServer", "3"]);
    }

    #[test]
    fn trials_of_the_same_peers_are_spread() {
        let trials = |server, cases: &[&str]| {
            cases.iter().map(|case| trial(server, case, false)).collect::<Vec<_>>()
        };
        let (a, b) = (trials("a", &["a1", "a2", "a3", "a4"]), trials("b", &["b1", "b2"]));
        let order = cases(a.into_iter().chain(b).collect(), &Durations::default());
        assert_eq!(order, ["a1", "b1", "a2", "a3", "b2", "a4"]);
    }

    #[test]
    fn trials_that_wait_are_spread_too() {
        let all = ["1", "2", "3", "4"].map(|case| trial("a", case, case <= "2"));
        assert_eq!(cases(all.into(), &Durations::default()), ["3", "1", "4", "2"]);
    }

    #[test]
    fn long_trials_are_spread_over_the_first_part() {
        let all = ["1", "2", "3", "4", "5", "6"].map(|case| trial("a", case, false));
        let known = [("1", 499.0), ("5", 500.0), ("6", 5000.0)];
        let named = |(case, ms)| (format!("calls/a/client/{case}"), ms);
        let order = cases(all.into(), &Durations(known.map(named).into()));
        assert_eq!(order, ["1", "5", "2", "6", "3", "4"]);
    }

    #[test]
    fn durations_of_earlier_runs_are_kept() {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        std::fs::write(Durations::file(folder.path()), "not JSON").expect("cannot write a file");
        assert!(Durations::read(folder.path()).0.is_empty());
        let known = Durations([("a".to_owned(), 1.5)].into());
        known.update(&[], folder.path()).expect("cannot write the durations");
        assert_eq!(Durations::read(folder.path()).0, [("a".to_owned(), 1.5)].into());
    }
}
