//! Merges the records of shards into one record.
//!
//! Only the shards of the same run configuration are merged. If a shard were missing or had other cases, the merged
//! record would look complete although it is not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::report::record::assessment;
use crate::report::record::format::{Counts, Record, Selection, State, VERSION};

/// How many missing shards are listed.
const LISTED: usize = 20;

/// Merges the records of all shards; each comes with the path of its file, for error messages.
pub(crate) fn merge(mut records: Vec<(PathBuf, Record)>) -> anyhow::Result<Record> {
    for (index, (path, record)) in records.iter().enumerate() {
        check(path, record, &records[..index])?;
    }
    records.sort_by_key(|(_, record)| record.selection.shard.map(|shard| shard.index));
    let shards = || records.iter().filter_map(|(_, record)| record.selection.shard);
    let there: BTreeSet<_> = shards().map(|shard| shard.index).collect();
    let count = shards().next().context("merge: no records were given")?.count;
    let missing = (1..=count).filter(|index| !there.contains(index)).take(LISTED + 1);
    let missing: Vec<_> = missing.map(|index| index.to_string()).collect();
    if !missing.is_empty() {
        let listed = missing[..missing.len().min(LISTED)].join(", ");
        let more = if missing.len() > LISTED { " and more" } else { "" };
        bail!("merge: the records of these shards are missing: {listed}{more}; pass all {count}");
    }
    let records = records.into_iter().map(|(_, record)| record);
    let merged = records.reduce(both).context("merge: no records were given")?;
    let selection = Selection { shard: None, ..merged.selection.clone() };
    let mut record = Record { selection, counts: Counts::of(merged.trials()), ..merged };
    record.trials.sort_by(|one, other| one.name.cmp(&other.name));
    record.methods.sort_by_cached_key(|of| (of.peer.clone(), of.method.clone()));
    Ok(Record { readiness: assessment::of(&record), ..record })
}

/// Checks `record` itself, and that it fits the records in `seen`.
fn check(path: &Path, record: &Record, seen: &[(PathBuf, Record)]) -> anyhow::Result<()> {
    let path = path.display();
    if record.version != VERSION {
        bail!(
            "{path} has format version {}, whose shards contain other trials, so it cannot be merged; \
             repeat the run with this version of interop",
            record.version
        );
    }
    let Some(shard) = record.selection.shard else {
        bail!(
            "{path} is not the record of a shard; only the records of runs with --shard can be merged"
        );
    };
    let mut names = BTreeSet::new();
    for name in record.trials().map(|trial| &trial.name) {
        let is_own = shard.has(name) && names.insert(name);
        ensure!(
            is_own,
            "{path}: the trial {name} is listed twice, or belongs to another shard; repeat the run"
        );
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
                "{path} is shard {shard}, but {file} is one of {} shards; merge the shards of one run",
                known.count
            );
            ensure!(
                known.index != shard.index,
                "{path} and {file} are both shard {shard}; pass each shard once"
            );
        }
        let names = |record: &Record| (record.selection.all, record.selection.names.clone());
        ensure!(
            names(other) == names(record),
            "{path} and {file} have different trials; run all shards with the same peers and scenarios"
        );
        let (own, others) = (versions(record), versions(other));
        ensure!(
            own == others,
            "{path} and {file} have different versions of peers: {own}, and {others}; run all shards \
             with the same versions"
        );
    }
    Ok(())
}

fn both(one: Record, other: Record) -> Record {
    let state = match (one.state, other.state) {
        (State::Finished, State::Finished) => State::Finished,
        (State::Running, _) | (_, State::Running) => State::Running,
        (State::CutOff, _) | (_, State::CutOff) => State::CutOff,
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
        methods: one.methods.into_iter().chain(other.methods).collect(),
        problems: one.problems.into_iter().chain(other.problems).collect(),
        trials: one.trials.into_iter().chain(other.trials).collect(),
        ..one
    }
}
