//! The third phase of a run: libtest-mimic runs the trials, and the record takes up the verdicts.
//!
//! libtest-mimic begins trials in the order of its list, so this order decides which trials share the
//! machine, and in which order the users of port 50051 come to need it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::calls::programs;
use crate::cli::judge::{Judge, as_libtest};
use crate::cli::{load::Loaded, options::RunOptions, plan::Plan};
use crate::outcome::Trial;
use crate::parity::client::{programs::suite as client_programs, suite, table::PROGRAM_PREFIX};
use crate::report::record::format::{Counts, Selection};
use crate::report::record::{FORMAT, Machine, Record, State, VERSION};
use crate::report::record::{participant::Participant, writer::RecordWriter};
use crate::report::{self, terminal::Progress};

/// The result of a finished run.
pub(crate) struct Finished {
    pub(crate) record: Record,
    /// The failure blocks that have not been printed yet.
    pub(crate) failures: Vec<String>,
    /// Whether libtest-mimic reported a failure, even if the record has none.
    pub(crate) has_failed: bool,
}

/// Runs the trials of `plan` and writes the record to `output`. Does not return after a signal.
pub(crate) fn run(
    plan: Plan,
    loaded: Loaded,
    options: &RunOptions,
    writer: &RecordWriter,
    output: &Path,
) -> anyhow::Result<Finished> {
    loaded.peers.check_programs(&loaded.context.places, &loaded.left_out)?;
    loaded.context.empty_logs()?;
    writer.begin(first_record(&plan, &loaded, options), report::record_in(output))?;
    report::clear(output);

    let Loaded { left_out, context, processors, .. } = loaded;
    let mut libtest = options.libtest.clone();
    libtest.test_threads.get_or_insert(processors.max(RUNNING_AT_ONCE));
    let lines = context.logs.join("trials.txt");
    let progress = Progress::new(&mut libtest, &lines, plan.trials.len());
    context.port_queue.add(plan.trials.iter().filter_map(|trial| trial.port_user));
    let judge = Arc::new(Judge {
        context: Arc::clone(&context),
        deviations: plan.deviations,
        writer: writer.clone(),
        progress,
        keeps_all_traces: options.trace,
        rerun_command: options.rerun_command(context.places.root().is_some()),
    });
    let trials = in_order(plan.trials).into_iter();
    let trials = trials.map(|trial| as_libtest(trial, &left_out, Arc::clone(&judge)));
    let conclusion = libtest_mimic::run(&libtest, trials.collect());
    let failures = judge.progress.finish();
    let Some(record) = writer.end(State::Finished) else {
        // After a signal, the handler writes the reports and ends the process.
        loop {
            std::thread::park();
        }
    };
    Ok(Finished { record, failures, has_failed: conclusion.has_failed() })
}

/// The record before any trial has ended.
fn first_record(plan: &Plan, loaded: &Loaded, options: &RunOptions) -> Record {
    let Loaded { peers, context, processors, .. } = loaded;
    let logs = context.logs.join("peers");
    let note = loaded.baselines.client_programs.note();
    let has_programs = plan.trials.iter().any(|trial| client_programs::is_of(&trial.name));
    Record {
        format: FORMAT.to_owned(),
        version: VERSION,
        state: State::Running,
        began: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        duration_ms: 0.0,
        arguments: std::env::args().skip(1).collect(),
        machine: Machine::this(*processors),
        peers: Participant::all(&peers.all, |peer| loaded.takes_part(peer), &logs, context),
        goldens: loaded.goldens_of(),
        selection: Selection::of(&plan.names, plan.trials.len(), options.shard),
        counts: Counts::default(),
        readiness: Vec::new(),
        notes: note.into_iter().filter(|_| has_programs).collect(),
        trials: Vec::new(),
    }
}

/// How many trials run at once. Most of them wait for a timer or for another trial; a semaphore limits the
/// number of CPU-bound ones.
pub(crate) const RUNNING_AT_ONCE: usize = 40;

/// The trials in the order in which they begin.
///
/// Trials of the same peers wait for each other, so they are spread evenly over the run. The same holds for
/// trials that mostly wait: if all running trials waited, the processors would be idle.
///
/// The suites that use port 50051 run one after the other, in the order of [`PortUser`](crate::outcome::PortUser).
/// So a trial that waits for the port waits only for trials that already run, and never for one that cannot
/// begin because all threads wait. `calls` does not use the port and runs at the same time as `server-parity`.
pub(crate) fn in_order(trials: Vec<Trial>) -> Vec<Trial> {
    let mut turns: [Vec<Trial>; 3] = Default::default();
    for trial in trials {
        let turn = match trial.name.suite {
            programs::SUITE => 0,
            suite::SUITE => 1,
            _ => 2,
        };
        turns[turn].push(trial);
    }
    turns.into_iter().flat_map(spread).collect()
}

/// Spreads the trials of each kind evenly over the whole list.
fn spread(trials: Vec<Trial>) -> Vec<Trial> {
    let mut kinds: BTreeMap<_, Vec<Trial>> = BTreeMap::new();
    for trial in trials {
        let name = &trial.name;
        let is_program = name.case.starts_with(PROGRAM_PREFIX);
        let kind = (name.group(), name.baseline, is_program, trial.waits);
        kinds.entry(kind).or_default().push(trial);
    }
    let mut placed: Vec<_> = kinds.into_values().flat_map(with_positions).collect();
    placed.sort_by_key(|(position, _)| *position);
    placed.into_iter().map(|(_, trial)| trial).collect()
}

/// Each trial with its relative position in the list, from 0 to `LENGTH`.
fn with_positions(trials: Vec<Trial>) -> impl Iterator<Item = (usize, Trial)> {
    const LENGTH: usize = 1 << 24;
    let count = trials.len();
    let position = move |index| (2 * index + 1) * LENGTH / (2 * count);
    trials.into_iter().enumerate().map(move |(index, trial)| (position(index), trial))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::TrialName;

    fn trial(suite: &'static str, server: &str, case: &str, waits: bool) -> Trial {
        let name = TrialName::stated(suite, server, "client", case.to_owned());
        Trial { waits, ..Trial::new(name, || unreachable!("the test does not run it")) }
    }

    fn cases(trials: Vec<Trial>) -> Vec<String> {
        in_order(trials).into_iter().map(|trial| trial.name.case).collect()
    }

    #[test]
    fn users_of_the_port_take_turns() {
        let suites = ["server-parity", "calls", suite::SUITE, "calls", programs::SUITE];
        let trials = suites.map(|suite| trial(suite, "server", suite, false));
        let order = cases(trials.into());
        assert_eq!(order[..2], [programs::SUITE, suite::SUITE]);
        assert_eq!(order.len(), 5, "no trial is lost");
    }

    #[test]
    fn trials_of_the_same_peers_are_spread() {
        let trials = |server, cases: &[&str]| {
            cases.iter().map(|case| trial("calls", server, case, false)).collect::<Vec<_>>()
        };
        let (a, b) = (trials("a", &["a1", "a2", "a3", "a4"]), trials("b", &["b1", "b2"]));
        assert_eq!(cases(a.into_iter().chain(b).collect()), ["a1", "b1", "a2", "a3", "b2", "a4"]);
    }

    #[test]
    fn trials_that_wait_are_spread_too() {
        let all = ["1", "2", "3", "4"].map(|case| trial("calls", "a", case, case <= "2"));
        let order = cases(all.into());
        assert_eq!(order, ["3", "1", "4", "2"]);
    }
}
