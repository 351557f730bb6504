//! The record during the run, in memory and on the disk.
//!
//! It is written every few seconds, so that a run that is killed leaves what it had found out. After a
//! signal to stop nothing more is added: what fails then fails because its peers were ended.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::report::record::assessment;
use crate::report::record::file;
use crate::report::record::format::{Counts, Record, State};
use crate::report::record::trial::TrialRecord;

/// How often the record is written while the run goes on.
const EVERY: Duration = Duration::from_secs(10);

/// Collects the trials of a run; clones share the record.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordWriter(Arc<Mutex<Option<Open>>>);

/// A record that is not ended yet.
#[derive(Debug)]
struct Open {
    record: Record,
    path: PathBuf,
    began: Instant,
    written: Instant,
}

impl RecordWriter {
    /// Begins with `record`, in which no trial has ended, and writes it to `path`.
    pub(crate) fn begin(&self, record: Record, path: PathBuf) -> anyhow::Result<()> {
        file::write(&record, &path)?;
        let began = Instant::now();
        *self.0.lock() = Some(Open { record, path, began, written: began });
        Ok(())
    }

    /// Adds a trial that has ended; returns the counts so far. Nothing is added before the run has
    /// begun and after its end.
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
        // If nothing can be written, the end of the run reports it.
        let _ = file::write(&copy, &path);
        Some(counts)
    }

    /// Ends the record in this state; `None` if it had not begun, or has been ended before.
    pub(crate) fn end(&self, state: State) -> Option<Record> {
        let Open { record, began, .. } = self.0.lock().take()?;
        let duration_ms = milliseconds(began.elapsed());
        let record = Record { state, duration_ms, ..record.in_order() };
        Some(Record { readiness: assessment::of(&record), ..record })
    }
}

impl Record {
    fn in_order(mut self) -> Self {
        self.trials.sort_by(|one, other| one.name.cmp(&other.name));
        self
    }
}

/// A time as records have it.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
