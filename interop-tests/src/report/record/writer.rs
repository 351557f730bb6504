//! Collects the record during the run, in memory and on disk.
//!
//! The record is written every few seconds, so that the results of a killed run are not lost. After a signal, no
//! more trials are added: they fail only because their peers were killed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::outcome::MethodComparison;
use crate::report::record::format::{Counts, Record, State};
use crate::report::record::{assessment, file, trial::TrialRecord};

/// How often the record is written during the run.
const EVERY: Duration = Duration::from_secs(10);

/// Collects the trials of a run. Clones share the record.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordWriter(Arc<Mutex<Option<Open>>>);

/// The record of a run in progress.
#[derive(Debug)]
struct Open {
    record: Record,
    path: PathBuf,
    began: Instant,
    written: Instant,
}

impl RecordWriter {
    /// Begins the run with `record`, which has no trials yet, and writes it to `path`.
    pub(crate) fn begin(&self, record: Record, path: PathBuf) -> anyhow::Result<()> {
        // Not the error of a file that is missing after the work: nothing has run.
        file::write(&record, &path).map_err(|error| {
            anyhow::anyhow!("{error}; no trial has run; --output names another folder")
        })?;
        let began = Instant::now();
        *self.0.lock() = Some(Open { record, path, began, written: began });
        Ok(())
    }

    /// Adds a trial that has ended; returns the counts so far. Before the run has begun and after its end, nothing
    /// is added.
    pub(crate) fn add(&self, trial: TrialRecord) -> Option<Counts> {
        let mut open = self.0.lock();
        let Open { record, path, began, written } = open.as_mut()?;
        record.counts.add(trial.verdict);
        record.trials.push(Arc::new(trial));
        let counts = record.counts;
        if written.elapsed() < EVERY {
            return Some(counts);
        }
        record.duration_ms = milliseconds(began.elapsed());
        *written = Instant::now();
        let (copy, path) = (record.clone().in_order(), path.clone());
        drop(open);
        // A persistent error is reported when the record is written at the end of the run.
        let _ = file::write(&copy, &path);
        Some(counts)
    }

    /// Adds the comparison of a method.
    pub(crate) fn add_method(&self, comparison: MethodComparison) {
        if let Some(Open { record, .. }) = &mut *self.0.lock() {
            record.methods.push(comparison);
        }
    }

    /// Ends the run in this `state` and returns its record; `None` if it has not begun or has already ended.
    pub(crate) fn end(&self, state: State) -> Option<Record> {
        let Open { record, began, .. } = self.0.lock().take()?;
        let duration_ms = milliseconds(began.elapsed());
        let record = Record { state, duration_ms, ..record.in_order() };
        Some(Record { readiness: assessment::of(&record), ..record })
    }
}

impl Record {
    /// The record with its trials sorted by name.
    fn in_order(mut self) -> Self {
        self.trials.sort_by(|one, other| one.name.cmp(&other.name));
        let key = |of: &MethodComparison| (of.peer.clone(), of.method.clone());
        self.methods.sort_by_cached_key(key);
        self
    }
}

/// `time` in milliseconds, rounded to microseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
