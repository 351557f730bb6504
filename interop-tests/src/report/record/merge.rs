//! The records of shards combined into one.
//!
//! Only what belongs together is merged: with a shard missing, or one of other tables, the record would
//! look complete without being so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::report::record::assessment;
use crate::report::record::format::{Counts, Record, Selection, State, VERSION};

/// Makes one record of those of all shards, each with the file that it is from.
pub(crate) fn merge(mut records: Vec<(PathBuf, Record)>) -> anyhow::Result<Record> {
    for (index, (path, record)) in records.iter().enumerate() {
        check(path, record, &records[..index])?;
    }
    records.sort_by_key(|(_, record)| record.selection.shard.map(|shard| shard.index));
    let shards = || records.iter().filter_map(|(_, record)| record.selection.shard);
    let there: BTreeSet<_> = shards().map(|shard| shard.index).collect();
    let count = shards().next().context("there are no records to merge")?.count;
    let missing = (1..=count).filter(|index| !there.contains(index));
    let missing: Vec<_> = missing.map(|index| index.to_string()).collect();
    if !missing.is_empty() {
        bail!("the records of these shards are missing: {}", missing.join(", "));
    }
    let records = records.into_iter().map(|(_, record)| record);
    let merged = records.reduce(both).context("there are no records to merge")?;
    let selection = Selection { shard: None, ..merged.selection.clone() };
    let mut record = Record { selection, counts: Counts::of(merged.trials()), ..merged };
    record.trials.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Record { readiness: assessment::of(&record), ..record })
}

/// Checks `record` against those that have been `seen`.
fn check(path: &Path, record: &Record, seen: &[(PathBuf, Record)]) -> anyhow::Result<()> {
    let path = path.display();
    if record.version != VERSION {
        bail!(
            "{path}: is of format version {}, in which trials had other names and shards other \
             trials; run again",
            record.version
        );
    }
    let Some(shard) = record.selection.shard else {
        bail!("{path}: is the record of no shard; only runs with --shard can be merged");
    };
    let mut names = BTreeSet::new();
    for name in record.trials().map(|trial| &trial.name) {
        let is_own = shard.has(name) && names.insert(name);
        ensure!(is_own, "{path}: has a trial that is not of its shard, or twice: {name}");
    }
    let versions = |record: &Record| {
        let versions = record.peers.iter().flat_map(|peer| peer.versions.iter().cloned());
        versions.collect::<Vec<_>>().join(", ")
    };
    for (file, other) in seen {
        let file = file.display();
        if let Some(known) = other.selection.shard {
            ensure!(
                known.count == shard.count,
                "{path}: is of shard {shard}, and {file} is one of {}",
                known.count
            );
            ensure!(known.index != shard.index, "{path}: is of shard {shard}, as {file} is");
        }
        let names = |record: &Record| (record.selection.all, record.selection.names.clone());
        ensure!(
            names(other) == names(record),
            "{path}: is of other peers or tables than {file}: their trials have other names"
        );
        let (own, others) = (versions(record), versions(other));
        ensure!(
            own == others,
            "{path}: is of other versions than {file}: {own} instead of {others}"
        );
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
    let chosen = one.selection.chosen + other.selection.chosen;
    Record {
        state,
        began: one.began.min(other.began),
        duration_ms: one.duration_ms.max(other.duration_ms),
        selection: Selection { chosen, ..one.selection },
        notes,
        trials: one.trials.into_iter().chain(other.trials).collect(),
        ..one
    }
}
