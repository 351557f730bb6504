//! What a run has found out, as a file, and what differs from the run before.
//!
//! The reports are made from it alone, and the next run compares itself with it.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::clients::Clients;
use super::counts::Counts;
use super::growth::Growth;
use super::pinning;
use super::plot::Figure;
use super::table::Table;
use super::throughput::Throughput;
use super::usage;

/// The part by which a median may differ from that of the run before and count as repeated.
const REPEATED: f64 = 0.15;

/// See the module.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    /// The day, `2026-11-26`.
    pub(crate) date: String,
    pub(crate) machine: String,
    /// As it can be typed again.
    pub(crate) command: String,
    pub(crate) rounds: usize,
    pub(crate) problems: Vec<String>,
    pub(crate) throughput: Option<Throughput>,
    pub(crate) growth: Option<Growth>,
    pub(crate) counts: Option<Counts>,
    pub(crate) clients: Option<Clients>,
}

impl Record {
    /// A record without anything that is measured.
    pub(crate) fn begin(command: String, rounds: usize) -> Self {
        let cores = pinning::allowed().len();
        let cores = if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
        Self {
            date: chrono::Utc::now().format("%Y-%m-%d").to_string(),
            machine: format!("{cores} of {}, {}", usage::processor(), std::env::consts::OS),
            command,
            rounds,
            problems: Vec::new(),
            throughput: None,
            growth: None,
            counts: None,
            clients: None,
        }
    }

    /// How many measurements were thrown away because the machine was stolen from.
    pub(crate) fn stolen(&self) -> usize {
        let throughput = self.throughput.as_ref().map_or(0, |throughput| throughput.stolen);
        throughput + self.growth.as_ref().map_or(0, |growth| growth.stolen)
    }

    /// Every median by a name.
    pub(crate) fn medians(&self) -> Vec<(String, f64)> {
        let throughput = self.throughput.iter().flat_map(Throughput::medians);
        let counts = self.counts.iter().flat_map(Counts::medians);
        let clients = self.clients.iter().flat_map(Clients::medians);
        let growth = self.growth.iter().flat_map(Growth::medians);
        throughput.chain(counts).chain(clients).chain(growth).collect()
    }

    /// All tables, in the order in which they are read.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let throughput = self.throughput.iter().flat_map(Throughput::tables);
        let counts = self.counts.iter().flat_map(Counts::tables);
        let clients = self.clients.iter().flat_map(Clients::tables);
        let growth = self.growth.iter().flat_map(Growth::tables);
        throughput.chain(counts).chain(clients).chain(growth).collect()
    }

    /// All figures, each of which knows the table that it belongs to.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let throughput = self.throughput.iter().filter_map(Throughput::figures);
        throughput.chain(self.growth.iter().flat_map(Growth::figures)).collect()
    }

    /// How far the medians of this run are from those of an `earlier` one, in words.
    pub(crate) fn repeats(&self, earlier: &Self) -> String {
        if (&self.machine, self.rounds) != (&earlier.machine, earlier.rounds) {
            return "The run before was on another machine or had other rounds: nothing to compare."
                .to_owned();
        }
        let before: std::collections::BTreeMap<_, _> = earlier.medians().into_iter().collect();
        let both = self.medians().into_iter().filter_map(|(name, now)| {
            let before = before.get(&name)?;
            Some((name, now / before - 1.0))
        });
        let (same, other): (Vec<_>, Vec<_>) =
            both.partition(|(_, change)| change.abs() <= REPEATED);
        let count = same.len() + other.len();
        if count == 0 {
            return "The run before measured nothing of this: nothing to compare.".to_owned();
        }
        if other.is_empty() {
            return format!(
                "All {count} medians of ratios and counts are within 15 % of those of the run before."
            );
        }
        let listed =
            other.iter().map(|(name, change)| format!("\n  {:+.0} % {name}", 100.0 * change));
        format!(
            "{} of {count} medians of ratios and counts differ by more than 15 % from those of the run \
             before, because a server is not steady or the machine was not the same to all:{}",
            other.len(),
            listed.collect::<String>()
        )
    }

    /// The record at `path`, if there is one that this version can read.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Writes it to `path`.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    }
}
