//! The records of shards made one.
//!
//! Only what belongs together: a shard that is missing, or one of other tables, would make a record
//! that looks whole and is not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::report::record::counts::Counts;
use crate::report::record::readiness;
use crate::report::record::selection::{Selection, Shard};
use crate::report::record::{Record, State, VERSION};

/// Why records are not those of one divided run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    #[error("{path}: is the record of no shard; only runs with --shard can be merged")]
    NoShard { path: PathBuf },
    #[error(
        "{path}: is of format version {version}, in which trials had other names and shards other \
         trials; run again"
    )]
    OldFormat { path: PathBuf, version: u32 },
    #[error("{path}: is of shard {shard}, and {other} is one of {count}")]
    OtherCount { path: PathBuf, shard: Shard, other: PathBuf, count: u64 },
    #[error("{path}: is of shard {shard}, as {other} is")]
    Twice { path: PathBuf, shard: Shard, other: PathBuf },
    #[error("{path}: is of other peers or tables than {other}: their trials have other names")]
    OtherTrials { path: PathBuf, other: PathBuf },
    #[error("{path}: is of other versions than {other}: {versions} instead of {others}")]
    OtherVersions { path: PathBuf, other: PathBuf, versions: String, others: String },
    #[error("{path}: has a trial that is not of its shard, or twice: {trial}")]
    Stray { path: PathBuf, trial: String },
    #[error("the records of these shards are missing: {0}")]
    Missing(String),
    #[error("there are no records to merge")]
    Nothing,
}

/// Makes one record of those of all shards, each with the file that it is from.
pub(crate) fn merge(records: Vec<(PathBuf, Record)>) -> Result<Record, MergeError> {
    let mut seen: Vec<(PathBuf, Record)> = Vec::new();
    for (path, record) in records {
        check(&path, &record, &seen)?;
        seen.push((path, record));
    }
    let count = seen.iter().find_map(|(_, record)| Some(record.selection.shard?.count));
    let there: BTreeSet<_> =
        seen.iter().filter_map(|(_, record)| Some(record.selection.shard?.index)).collect();
    let missing: Vec<_> = (1..=count.ok_or(MergeError::Nothing)?)
        .filter(|index| !there.contains(index))
        .map(|index| index.to_string())
        .collect();
    if !missing.is_empty() {
        return Err(MergeError::Missing(missing.join(", ")));
    }
    seen.sort_by_key(|(_, record)| record.selection.shard.map(|shard| shard.index));
    seen.into_iter().map(|(_, record)| record).reduce(both).ok_or(MergeError::Nothing).map(
        |merged| {
            let selection = Selection { shard: None, ..merged.selection.clone() };
            let counts = Counts::of(merged.trials());
            let mut record = Record { selection, counts, ..merged };
            record.trials.sort_by(|one, other| one.name.cmp(&other.name));
            Record { readiness: readiness::of(&record), ..record }
        },
    )
}

/// What is wrong with `record` beside those that have been `seen`.
fn check(path: &Path, record: &Record, seen: &[(PathBuf, Record)]) -> Result<(), MergeError> {
    let path = || path.to_owned();
    if record.version != VERSION {
        return Err(MergeError::OldFormat { path: path(), version: record.version });
    }
    let Some(shard) = record.selection.shard else {
        return Err(MergeError::NoShard { path: path() });
    };
    let mut names = BTreeSet::new();
    if let Some(trial) =
        record.trials.iter().find(|trial| !shard.has(&trial.name) || !names.insert(&trial.name))
    {
        return Err(MergeError::Stray { path: path(), trial: trial.name.clone() });
    }
    for (file, other) in seen {
        let other_file = file.clone();
        match other.selection.shard {
            Some(known) if known.count != shard.count => {
                let count = known.count;
                return Err(MergeError::OtherCount {
                    path: path(),
                    shard,
                    other: other_file,
                    count,
                });
            }
            Some(known) if known.index == shard.index => {
                return Err(MergeError::Twice { path: path(), shard, other: other_file });
            }
            _ => {}
        }
        if (other.selection.all, &other.selection.names)
            != (record.selection.all, &record.selection.names)
        {
            return Err(MergeError::OtherTrials { path: path(), other: other_file });
        }
        let of = |record: &Record| {
            let versions = record.peers.iter().flat_map(|peer| peer.versions.iter().cloned());
            versions.collect::<Vec<_>>().join(", ")
        };
        let (versions, others) = (of(record), of(other));
        if versions != others {
            let other = other_file;
            return Err(MergeError::OtherVersions { path: path(), other, versions, others });
        }
    }
    Ok(())
}

fn both(one: Record, other: Record) -> Record {
    let state = match (one.state, other.state) {
        (State::Finished, State::Finished) => State::Finished,
        (State::Running, _) | (_, State::Running) => State::Running,
        _ => State::Interrupted,
    };
    let mut notes = one.notes;
    notes.extend(other.notes.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>());
    Record {
        state,
        began: one.began.min(other.began),
        duration_ms: one.duration_ms.max(other.duration_ms),
        selection: Selection {
            chosen: one.selection.chosen + other.selection.chosen,
            ..one.selection
        },
        notes,
        trials: one.trials.into_iter().chain(other.trials).collect(),
        ..one
    }
}
