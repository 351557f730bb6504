//! The record while its run goes on: what has been found out so far, and on the disk.
//!
//! It is written every few seconds, so that a run that is killed leaves what it had found out. When the
//! run is told to stop it takes up nothing more: what fails then fails because its peers were ended.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::report::record::counts::Counts;
use crate::report::record::file;
use crate::report::record::file::WriteError;
use crate::report::record::readiness;
use crate::report::record::trial::TrialRecord;
use crate::report::record::{Record, State};

/// How often the record is written while the run goes on.
const EVERY: Duration = Duration::from_secs(10);

/// See the module; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordWriter(Arc<Mutex<Option<Book>>>);

/// What is written.
#[derive(Debug)]
struct Book {
    record: Record,
    path: PathBuf,
    began: Instant,
    written: Instant,
}

impl RecordWriter {
    /// Begins with `record`, in which no trial has ended, and writes it to `path`.
    pub(crate) fn begin(&self, record: Record, path: PathBuf) -> Result<(), WriteError> {
        file::write(&record, &path)?;
        let began = Instant::now();
        *self.lock() = Some(Book { record, path, began, written: began });
        Ok(())
    }

    /// Takes up a trial that has ended; gives the counts so far. Nothing is taken up before the run
    /// has begun and after its end.
    pub(crate) fn add(&self, trial: TrialRecord) -> Option<Counts> {
        let mut book = self.lock();
        let Book { record, path, began, written } = book.as_mut()?;
        record.counts.add(trial.verdict);
        record.trials.push(Arc::new(trial));
        let counts = record.counts;
        if written.elapsed() < EVERY {
            return Some(counts);
        }
        record.duration_ms = milliseconds(began.elapsed());
        *written = Instant::now();
        let (copy, path) = (record.clone().in_order(), path.clone());
        drop(book);
        // The end of the run says it if nothing can be written.
        let _ = file::write(&copy, &path);
        Some(counts)
    }

    /// Ends the record in this state; `None` if it had not begun, or has been ended before.
    pub(crate) fn end(&self, state: State) -> Option<Record> {
        let Book { record, began, .. } = self.lock().take()?;
        let duration_ms = milliseconds(began.elapsed());
        let record = Record { state, duration_ms, ..record.in_order() };
        Some(Record { readiness: readiness::of(&record), ..record })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Book>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    fn in_order(mut self) -> Self {
        self.trials.sort_by(|one, other| one.name.cmp(&other.name));
        self
    }
}

/// As records tell times.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
