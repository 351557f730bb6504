//! The trials as the page's script reads them: an index of all, and the details of each group.
//!
//! Both are JSON, compressed and in base64. A group is unpacked when a reader opens it, so that a page of
//! thousands of trials stays small; and base64 has no `<`, so no text of a peer can end the element that
//! contains it.

use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use minijinja::{Value, context};
use serde::Serialize;

use crate::outcome::trial::BaselineKind;
use crate::report::html::case::Renderer;
use crate::report::html::format::{Shown, VERDICTS};
use crate::report::record::Record;
use crate::report::record::trial::TrialRecord;

/// What the search and the lists of the page need of every trial.
#[derive(Serialize)]
struct Index<'a> {
    verdicts: [Shown; VERDICTS.len()],
    cells: Vec<(&'a str, Vec<Entry<'a>>)>,
}

/// Case, position of the verdict in the index, milliseconds, what it was compared with.
type Entry<'a> = (&'a str, usize, f64, BaselineKind);

/// The groups, each with the beginning that the names of its trials share, and their details.
pub(crate) fn details(record: &Record, renderer: &Renderer<'_>) -> io::Result<Value> {
    let details = |(name, trials): (&str, &[Arc<TrialRecord>])| {
        let details = trials.iter().map(|trial| renderer.render(trial, usize::MAX));
        let details: Vec<_> = details.collect::<io::Result<_>>()?;
        Ok(context! { name, details => packed(&details)? })
    };
    groups(record).map(details).collect::<io::Result<Vec<_>>>().map(Value::from)
}

/// The index of all trials.
pub(crate) fn index(record: &Record) -> io::Result<String> {
    fn entry(trial: &TrialRecord) -> Entry<'_> {
        let verdict = VERDICTS.iter().position(|verdict| *verdict == trial.verdict);
        let milliseconds = (trial.duration_ms * 10.0).round() / 10.0;
        (&trial.case, verdict.unwrap_or_default(), milliseconds, trial.baseline)
    }
    let cells = groups(record)
        .map(|(name, trials)| (name, trials.iter().map(|trial| entry(trial)).collect()))
        .collect();
    packed(&Index { verdicts: VERDICTS.map(Shown::from), cells })
}

/// The groups of trials, which are next to each other because trials are sorted by their names.
fn groups(record: &Record) -> impl Iterator<Item = (&str, &[Arc<TrialRecord>])> {
    let groups = record.trials.chunk_by(|one, other| one.group() == other.group());
    groups.filter_map(|trials| Some((trials.first()?.group(), trials)))
}

/// JSON as the page's script unpacks it.
fn packed(value: &impl Serialize) -> io::Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut encoder, value)?;
    Ok(STANDARD.encode(encoder.finish()?))
}
