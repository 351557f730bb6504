//! The third phase of a run: libtest-mimic runs the trials, and the record takes up the verdicts.

use std::path::Path;
use std::sync::Arc;

use crate::cli::judge::{Judge, as_libtest};
use crate::cli::load::Loaded;
use crate::cli::options::RunOptions;
use crate::cli::plan::Plan;
use crate::cli::schedule;
use crate::parity::client::programs::suite as client_programs;
use crate::report;
use crate::report::record::format::{Counts, Selection};
use crate::report::record::participant::Participant;
use crate::report::record::writer::RecordWriter;
use crate::report::record::{FORMAT, Machine, Record, State, VERSION};
use crate::report::terminal::Progress;

/// What a run that came to its end leaves for the reports.
pub(crate) struct Finished {
    pub(crate) record: Record,
    /// The failures that have not been shown yet.
    pub(crate) failures: Vec<String>,
    /// Whether libtest-mimic saw a failure, also one that is in no record.
    pub(crate) has_failed: bool,
}

/// Runs the trials of `plan`; the record goes into `output`. A signal ends the process instead.
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
    libtest.test_threads.get_or_insert(processors.max(schedule::RUNNING_AT_ONCE));
    let progress = Progress::new(&mut libtest, &context.logs.join("trials.txt"));
    progress.expect(plan.trials.len());
    context.port_queue.add(plan.trials.iter().filter_map(|trial| trial.port_user));
    let judge = Arc::new(Judge {
        context: Arc::clone(&context),
        ledger: plan.ledger,
        writer: writer.clone(),
        progress,
        keeps_all_traces: options.trace,
        rerun: options.rerun(context.places.root().is_some()),
    });
    let trials = schedule::in_order(plan.trials).into_iter();
    let trials = trials.map(|trial| as_libtest(trial, &left_out, Arc::clone(&judge)));
    let conclusion = libtest_mimic::run(&libtest, trials.collect());
    let failures = judge.progress.finish();
    let Some(record) = writer.end(State::Finished) else {
        // A signal has ended the run, and ends the process when its reports are written.
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
