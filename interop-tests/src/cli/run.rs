//! The third phase of a run: libtest-mimic runs the trials, and the record takes up the verdicts.
//!
//! libtest-mimic begins trials in the order of its list, which is that of [`schedule`].

use std::path::Path;
use std::sync::Arc;

use crate::cli::judge::{Judge, as_libtest};
use crate::cli::libtest;
use crate::cli::schedule::{self, Durations};
use crate::cli::{load::Loaded, options::RunOptions, plan::Plan, selection};
use crate::compare;
use crate::config::Proxy;
use crate::outcome::{MethodComparison, MethodVerdict};
use crate::output::file::Unwritten;
use crate::parity::client::programs::suite as client_programs;
use crate::process::{RunContext, proxy};
use crate::report::record::format::{Counts, Selection};
use crate::report::record::{FORMAT, Machine, Record, State, VERSION, assessment};
use crate::report::record::{participant::Participant, writer::RecordWriter};
use crate::report::{self, terminal::Progress};

/// The result of a finished run.
pub(crate) struct Finished {
    pub(crate) record: Record,
    /// The failure blocks that have not been printed yet.
    pub(crate) failures: Vec<String>,
    /// Whether libtest-mimic reported a failure, even if the record has none.
    pub(crate) has_failed: bool,
    /// Files other than the reports that could not be written.
    pub(crate) unwritten: Vec<Unwritten>,
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
    loaded.proxies.iter().try_for_each(|proxy| proxy.check(&loaded.context.places))?;
    selection::check(&plan, options, Some(&loaded.left_out))?;
    let ports = plan.trials.iter().filter(|trial| trial.keeps_port).count();
    loaded.context.prepare(ports)?;
    writer.begin(first_record(&plan, &loaded, options), report::record_in(output))?;
    report::clear(output);

    let Loaded { peers, left_out, context, processors, services, .. } = loaded;
    let without_cases = services.as_ref().map(|it| it.without_cases(&peers.all));
    let without_cases = without_cases.unwrap_or_default();
    let mut arguments = options.libtest.clone();
    // No thread without a trial: it would end at once, and glibc (2.36) can crash if a thread ends while its creator
    // detaches it (https://github.com/tikv/grpc-rs/issues/653).
    let threads = arguments.test_threads.unwrap_or(processors.max(schedule::RUNNING_AT_ONCE));
    arguments.test_threads = Some(threads.min(plan.trials.len()).max(1));
    let lines = context.logs.join("trials.txt");
    let progress = Progress::new(&mut arguments, &lines, plan.trials.len());
    context.port_queue.add(plan.trials.iter().filter_map(|trial| trial.port_user));
    let judge = Arc::new(Judge {
        context: Arc::clone(&context),
        deviations: plan.deviations,
        writer: writer.clone(),
        progress,
        keeps_all_traces: options.trace,
        rerun_command: options.rerun_command(context.places.root().is_some()),
    });
    let durations = Durations::read(output);
    let trials = schedule::in_order(plan.trials, &durations).into_iter();
    let trials = trials.map(|trial| as_libtest(trial, &left_out, Arc::clone(&judge)));
    let context_of_run = Arc::clone(&judge.context);
    let ran = libtest::run(&arguments, trials.collect())?;
    let failures = judge.progress.finish();
    let Some(mut record) = writer.end(State::Finished) else {
        // After a signal, the handler writes the reports and ends the process.
        loop {
            std::thread::park();
        }
    };
    record.notes.extend(context_of_run.suspensions.note());
    if let Some(services) = services {
        record.problems =
            problems(&record, &services, &without_cases, options.comparison.allow_untested);
        record.readiness = assessment::of(&record);
    }
    let unwritten = [
        durations.update(&record.trials, output).err(),
        ran.unwritten,
        context_of_run.incomplete_log(),
    ];
    let unwritten = unwritten.into_iter().flatten().collect();
    Ok(Finished { record, failures, has_failed: ran.conclusion.has_failed(), unwritten })
}

/// What makes the run fail besides its trials.
fn problems(
    record: &Record,
    services: &compare::Suite,
    without_cases: &[(String, String)],
    allow_untested: bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (peer, method) in without_cases.iter().filter(|_| !allow_untested && record.is_whole()) {
        problems.push(format!("{method} of `{peer}` is untested: it has no case"));
    }
    let untested = record.methods.iter().filter(|it| it.verdict == MethodVerdict::Untested);
    for MethodComparison { peer, method, why, .. } in untested.filter(|_| !allow_untested) {
        let why = why.as_deref().unwrap_or_default();
        problems.push(format!(
            "{method} of `{peer}` is untested: {why}; add cases that succeed, or pass --allow-untested"
        ));
    }
    // A trial that did not run could have used an entry.
    if record.is_whole() && record.counts.set_up_errors == 0 {
        let compared = record.methods.iter().map(|it| (&*it.peer, &*it.method));
        for place in services.settings.ignored.unused(&compared) {
            problems
                .push(format!("{place}: this [[ignore]] entry matches no difference; remove it"));
        }
    }
    problems
}

/// The record before any trial has ended.
fn first_record(plan: &Plan, loaded: &Loaded, options: &RunOptions) -> Record {
    let Loaded { peers, context, processors, .. } = loaded;
    let logs = context.logs.join("peers");
    let note = loaded.baselines.client_programs.note();
    let has_programs = plan.trials.iter().any(|trial| client_programs::is_of(&trial.name));
    let proxies = loaded.proxies.iter().map(|proxy| version_note(proxy, context));
    let of_services = loaded.services.iter().flat_map(|services| services.notes(&peers.all));
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
        methods: Vec::new(),
        problems: Vec::new(),
        notes: note
            .into_iter()
            .filter(|_| has_programs)
            .chain(of_services)
            .chain(proxies)
            .collect(),
        trials: Vec::new(),
    }
}

/// The note on the version of `proxy`.
fn version_note(proxy: &Proxy, context: &RunContext) -> String {
    let Proxy { id, name, .. } = proxy;
    let version = proxy::version(proxy, context);
    format!(
        "{id} is {name}: {}",
        version.unwrap_or_else(|why| format!("its version is unknown: {why}"))
    )
}
