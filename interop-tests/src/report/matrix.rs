//! The matrix of a suite: the verdicts counted in each cell, by the peers or by peer and baseline.
//!
//! Where two peers meet, servers are rows and clients are columns. Where a peer is compared, the columns
//! are the baselines: a scripted side is no peer.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Table, presets};

use crate::outcome::BaselineKind;
use crate::report::record::Record;
use crate::report::record::format::Counts;
use crate::report::record::participant::Participant;
use crate::report::record::trial::TrialRecord;

/// What stands in a cell that no trial is about.
pub(crate) const NO_TRIAL: &str = "-";

/// The matrix of one suite.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) suite: String,
    /// What the rows and the columns are.
    pub(crate) axes: [&'static str; 2],
    pub(crate) columns: Vec<String>,
    /// The name of each row, and a cell for every column.
    pub(crate) rows: Vec<(String, Vec<Option<Cell>>)>,
}

/// The trials of a cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) counts: Counts,
    /// What the names of its trials begin with; other cells of the row may have the same.
    pub(crate) group: String,
}

impl Matrix {
    /// A matrix for each suite, in the order of their names.
    pub(crate) fn all(record: &Record) -> Vec<Self> {
        let mut suites: BTreeMap<&str, Vec<&TrialRecord>> = BTreeMap::new();
        for trial in record.trials() {
            suites.entry(&trial.suite).or_default().push(trial);
        }
        suites.into_iter().map(|(suite, trials)| Self::of(suite, &trials)).collect()
    }

    fn of(suite: &str, trials: &[&TrialRecord]) -> Self {
        let mut axes = ["server", "client"];
        let mut cells: BTreeMap<(String, String), Cell> = BTreeMap::new();
        for trial in trials {
            let place = match (&trial.server, &trial.client) {
                (Some(server), Some(client)) => (server.clone(), client.clone()),
                (Some(peer), None) => {
                    axes = ["server", "baseline"];
                    (peer.clone(), trial.baseline.to_string())
                }
                (None, peer) => {
                    axes = ["client", "baseline"];
                    (peer.clone().unwrap_or_default(), trial.baseline.to_string())
                }
            };
            let cell = cells.entry(place).or_default();
            cell.counts.add(trial.verdict);
            trial.group().clone_into(&mut cell.group);
        }
        let columns: BTreeSet<_> = cells.keys().map(|(_, column)| column.clone()).collect();
        let rows: BTreeSet<_> = cells.keys().map(|(row, _)| row.clone()).collect();
        let row = |row: String| {
            let cell = |column: &String| cells.get(&(row.clone(), column.clone())).cloned();
            (row.clone(), columns.iter().map(cell).collect())
        };
        Self {
            suite: suite.to_owned(),
            axes,
            rows: rows.into_iter().map(row).collect(),
            columns: columns.into_iter().collect(),
        }
    }

    /// As a terminal shows it.
    fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_FULL_CONDENSED);
        let corner = format!("{}: {}", self.suite, self.axes.join(" \\ "));
        table.set_header(std::iter::once(corner).chain(self.columns.iter().cloned()));
        for (row, cells) in &self.rows {
            let cell = |cell: &Option<Cell>| {
                let counts = cell.as_ref().map(|cell| cell.counts.parts().join("\n"));
                counts.unwrap_or(NO_TRIAL.to_owned())
            };
            table.add_row(std::iter::once(row.clone()).chain(cells.iter().map(cell)));
        }
        format!("{table}\n")
    }
}

/// The matrices of all suites as a terminal shows them.
pub(crate) fn tables(record: &Record) -> String {
    Matrix::all(record).iter().map(Matrix::text).collect::<Vec<_>>().join("\n")
}

/// What the names of the peers that took part stand for.
pub(crate) fn legend(record: &Record) -> String {
    let sides = record.trials().flat_map(|trial| trial.server.iter().chain(&trial.client));
    let names: BTreeSet<_> = sides.collect();
    let has_live = record.trials().any(|trial| trial.baseline == BaselineKind::Live);
    let took_part = |peer: &&Participant| names.contains(&peer.name) || peer.reference && has_live;
    let line = |peer: &Participant| {
        let versions = peer.versions.iter().map(|version| format!(", {version}"));
        format!("{}: {}{}", peer.name, peer.language, versions.collect::<String>())
    };
    record.peers.iter().filter(took_part).map(line).collect::<Vec<_>>().join("\n")
}
