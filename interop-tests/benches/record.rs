//! The record of a run as a file, and the comparison with the previous run.
//!
//! The reports are made from the record alone, and the next run compares its results with it.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::attacks::Attacks;
use super::clients::Clients;
use super::counts::Counts;
use super::growth::Growth;
use super::pinning;
use super::plot::Figure;
use super::table::Table;
use super::throughput::Throughput;
use super::usage;

/// The relative difference up to which a median counts as reproduced.
const REPEATED: f64 = 0.15;

/// The record of a run.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    /// The date, such as `2026-11-26`.
    pub(crate) date: String,
    pub(crate) machine: String,
    /// The command line.
    pub(crate) command: String,
    pub(crate) rounds: usize,
    pub(crate) problems: Vec<String>,
    pub(crate) throughput: Option<Throughput>,
    pub(crate) growth: Option<Growth>,
    pub(crate) counts: Option<Counts>,
    pub(crate) clients: Option<Clients>,
    pub(crate) attacks: Option<Attacks>,
}

impl Record {
    /// A record without measurements.
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
            attacks: None,
        }
    }

    /// The number of measurements discarded because other machines took CPU time (steal).
    pub(crate) fn stolen(&self) -> usize {
        let throughput = self.throughput.as_ref().map_or(0, |throughput| throughput.stolen);
        throughput + self.growth.as_ref().map_or(0, |growth| growth.stolen)
    }

    /// All medians with their names.
    pub(crate) fn medians(&self) -> Vec<(String, f64)> {
        let throughput = self.throughput.iter().flat_map(Throughput::medians);
        let counts = self.counts.iter().flat_map(Counts::medians);
        let clients = self.clients.iter().flat_map(Clients::medians);
        let growth = self.growth.iter().flat_map(Growth::medians);
        throughput.chain(counts).chain(clients).chain(growth).collect()
    }

    /// All tables in order.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let throughput = self.throughput.iter().flat_map(Throughput::tables);
        let counts = self.counts.iter().flat_map(Counts::tables);
        let clients = self.clients.iter().flat_map(Clients::tables);
        let growth = self.growth.iter().flat_map(Growth::tables);
        let attacks = self.attacks.iter().filter_map(Attacks::table);
        throughput.chain(counts).chain(clients).chain(growth).chain(attacks).collect()
    }

    /// All figures. Each refers to its table.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let throughput = self.throughput.iter().filter_map(Throughput::figures);
        throughput.chain(self.growth.iter().flat_map(Growth::figures)).collect()
    }

    /// A text on how far the medians of this run differ from those of an `earlier` one.
    pub(crate) fn repeats(&self, earlier: &Self) -> String {
        if (&self.machine, self.rounds) != (&earlier.machine, earlier.rounds) {
            return "Not compared with the previous run, which was on another machine or had another number of rounds."
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
            return "Not compared with the previous run, which measured nothing of this."
                .to_owned();
        }
        if other.is_empty() {
            return format!(
                "All {count} medians of ratios and counts are within 15 % of those of the previous run."
            );
        }
        let listed =
            other.iter().map(|(name, change)| format!("\n  {:+.0} % {name}", 100.0 * change));
        format!(
            "{} of {count} medians of ratios and counts differ by more than 15 % from those of the \
             previous run, because a server is unsteady or the machine was busy:{}",
            other.len(),
            listed.collect::<String>()
        )
    }

    /// The record at `path`, if there is one with a compatible format.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Writes the record to `path`.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}
