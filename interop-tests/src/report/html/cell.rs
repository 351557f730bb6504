//! The trials by the cells of the matrices: what is unpacked at once when somebody looks into one.

use std::io;
use std::sync::Arc;

use serde::Serialize;

use crate::outcome::trial::BaselineKind;
use crate::outcome::verdict::VerdictKind;
use crate::report::html::case::Renderer;
use crate::report::html::packed::packed;
use crate::report::html::shown::{Shown, VERDICTS};
use crate::report::record::Record;
use crate::report::record::trial::TrialRecord;

/// A cell with all that there is to see of its trials.
#[derive(Serialize)]
pub(crate) struct Cell {
    /// What the names of its trials begin with: `suite/server/client`, `suite/peer`.
    name: String,
    /// A JSON list of the trials' details in HTML, packed.
    details: String,
}

/// What there is to find: small enough to be unpacked as a whole.
#[derive(Serialize)]
struct Index<'a> {
    verdicts: [Shown; VERDICTS.len()],
    cells: Vec<(String, Vec<Entry<'a>>)>,
}

/// Case, place of the verdict in the index, milliseconds, what it was compared with.
type Entry<'a> = (&'a str, usize, f64, BaselineKind);

/// The cells: the trials are in the order of their names, so those of a cell stand together.
fn chunks(record: &Record) -> impl Iterator<Item = (String, &[Arc<TrialRecord>])> {
    let is_same = |one: &Arc<TrialRecord>, other: &Arc<TrialRecord>| one.group() == other.group();
    let named = |trials: &'_ [Arc<TrialRecord>]| Some(trials.first()?.group().to_owned());
    record.trials.chunk_by(is_same).filter_map(move |trials| Some((named(trials)?, trials)))
}

/// All cells.
pub(crate) fn all(record: &Record, renderer: &Renderer<'_>) -> io::Result<Vec<Cell>> {
    let cell = |(name, trials): (String, &[Arc<TrialRecord>])| {
        let details: Vec<_> = trials
            .iter()
            .map(|trial| renderer.render(trial, usize::MAX))
            .collect::<io::Result<_>>()?;
        Ok(Cell { name, details: packed(&details)? })
    };
    chunks(record).map(cell).collect()
}

/// The index of all trials, packed.
pub(crate) fn index(record: &Record) -> io::Result<String> {
    let place = |verdict: VerdictKind| VERDICTS.iter().position(|one| *one == verdict);
    let milliseconds = |trial: &TrialRecord| (trial.duration_ms * 10.0).round() / 10.0;
    let cells = chunks(record).map(|(name, trials)| {
        let entries = trials.iter().map(|trial| {
            let verdict = place(trial.verdict).unwrap_or_default();
            (&*trial.case, verdict, milliseconds(trial), trial.baseline)
        });
        (name, entries.collect())
    });
    packed(&Index { verdicts: VERDICTS.map(Shown::from), cells: cells.collect() })
}
