//! The trials of a run, from the first one to the exit status.
//!
//! All of them are known before the first is begun: the record says how many there are, whether or not
//! they are run.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::judge::{Judge, as_libtest};
use crate::cli::offline::status;
use crate::cli::options::Options;
use crate::cli::schedule;
use crate::config::peer::Peer;
use crate::config::peers::Peers;
use crate::outcome::deviations::Ledger;
use crate::outcome::trial::{Trial, TrialName};
use crate::parity::client::programs::suite as client_programs_suite;
use crate::process::context::RunContext;
use crate::report;
use crate::report::conclusion;
use crate::report::progress::Progress;
use crate::report::record::counts::Counts;
use crate::report::record::participant::Participant;
use crate::report::record::selection::Selection;
use crate::report::record::writer::RecordWriter;
use crate::report::record::{FORMAT, Machine, Record, State, VERSION};
use crate::report::trace_archive::Archive;

/// See the module.
pub(crate) struct Execution<'a> {
    pub(crate) options: &'a Options,
    pub(crate) peers: Peers,
    pub(crate) left_out: BTreeSet<String>,
    pub(crate) trials: Vec<Trial>,
    /// Those of all trials.
    pub(crate) names: Vec<TrialName>,
    pub(crate) ledger: Ledger,
    /// What the goldens were recorded from, a line each.
    pub(crate) goldens: Vec<String>,
    /// What is to be said if there are client programs.
    pub(crate) told: Option<String>,
    pub(crate) context: Arc<RunContext>,
    pub(crate) processors: usize,
}

impl Execution<'_> {
    /// Runs those that the options choose, or lists them; reports go into `output`.
    pub(crate) fn run(mut self, keeper: &RecordWriter, output: &Path) -> anyhow::Result<ExitCode> {
        let mut libtest = self.options.libtest.clone();
        libtest.test_threads.get_or_insert(self.processors.max(schedule::BEGUN_AT_ONCE));
        let is_chosen = |trial: &Trial| {
            self.options.shard.is_none_or(|shard| shard.has(&trial.name.to_string()))
                && !libtest.is_filtered_out(&named(&trial.name))
        };
        self.trials.retain(is_chosen);
        if libtest.list {
            let trials = self.trials.iter().map(|trial| named(&trial.name)).collect();
            return Ok(libtest_mimic::run(&libtest, trials).exit_code());
        }
        self.peers.check_programs(&self.context.places, &self.left_out)?;
        self.context.empty_logs()?;
        keeper.begin(self.record(), report::record_in(output))?;
        report::clear(output);

        let progress = Progress::new(&mut libtest, &self.context.logs.join("trials.txt"));
        progress.expect(self.trials.len());
        let (ledger, keeper_of_judge) = (self.ledger, keeper.clone());
        let options = self.options.that_matter();
        let traces = Archive { logs: self.context.logs.clone(), all: self.options.trace };
        let context = Arc::clone(&self.context);
        let judge =
            Arc::new(Judge { context, ledger, keeper: keeper_of_judge, traces, progress, options });
        self.context.port_queue.add(self.trials.iter().filter_map(|trial| trial.port_user));
        let trials = schedule::side_by_side(self.trials).into_iter();
        let trials = trials.map(|trial| as_libtest(trial, &self.left_out, Arc::clone(&judge)));
        let conclusion = libtest_mimic::run(&libtest, trials.collect());
        let blocks = judge.progress.finish();
        let Some(record) = keeper.end(State::Finished) else {
            // A signal has ended it, and ends this process when its reports are written.
            loop {
                std::thread::park();
            }
        };
        let written = report::write(&record, output);
        // Also where nothing could be written: nobody can read it elsewhere then.
        conclusion::print(&record, &blocks, output);
        written?;
        Ok(status(record.is_clean() && !conclusion.has_failed()))
    }

    /// The record before anything has been found out.
    fn record(&self) -> Record {
        let takes_part = |peer: &Peer| !self.left_out.contains(peer.name());
        let logs = self.context.logs.join("peers");
        let has_programs =
            self.trials.iter().any(|trial| client_programs_suite::is_of(&trial.name));
        Record {
            format: FORMAT.to_owned(),
            version: VERSION,
            state: State::Running,
            began: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            duration_ms: 0.0,
            arguments: std::env::args().skip(1).collect(),
            machine: Machine::this(self.processors),
            peers: Participant::all(&self.peers.all, takes_part, &logs, &self.context),
            goldens: self.goldens.clone(),
            selection: Selection::of(&self.names, self.trials.len(), self.options.shard),
            counts: Counts::default(),
            readiness: Vec::new(),
            notes: self.told.iter().filter(|_| has_programs).cloned().collect(),
            trials: Vec::new(),
        }
    }
}

/// A trial that only has a name, to be listed or filtered by it.
fn named(name: &TrialName) -> libtest_mimic::Trial {
    libtest_mimic::Trial::test(name.to_string(), || Ok(()))
}
