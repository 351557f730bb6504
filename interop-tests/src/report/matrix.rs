//! The matrix of a suite: the number of trials with each verdict in each cell.
//!
//! If the trials of a suite have two peers, rows are servers and columns are clients. If a peer is compared with a
//! reference, rows are peers and columns are baselines, because the other side is the tool itself.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Table, presets};

use crate::compare;
use crate::outcome::BaselineKind;
use crate::report::record::{Record, format::Counts, participant::Participant, trial::TrialRecord};

/// The text of a cell without trials.
pub(crate) const NO_TRIAL: &str = "-";

/// The matrix of one suite.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) suite: String,
    /// The meaning of rows and columns, such as `server` and `client`.
    pub(crate) axes: [&'static str; 2],
    pub(crate) columns: Vec<String>,
    /// The name of each row and its cells, one per column.
    pub(crate) rows: Vec<(String, Vec<Option<Cell>>)>,
}

/// The trials of a cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) counts: Counts,
    /// The common prefix of the names of its trials. Cells of the same row can have the same prefix.
    pub(crate) group: String,
}

impl Matrix {
    /// The matrices of all suites, sorted by name.
    pub(crate) fn all(record: &Record) -> Vec<Self> {
        let mut suites: BTreeMap<&str, Vec<&TrialRecord>> = BTreeMap::new();
        for trial in record.trials() {
            suites.entry(&trial.suite).or_default().push(trial);
        }
        let matrices = suites.into_iter().flat_map(|(suite, trials)| {
            if suite == compare::SUITE {
                Self::of_methods(&trials)
            } else {
                vec![Self::of(suite, &trials)]
            }
        });
        matrices.collect()
    }

    /// A matrix for each peer, with a row for each method and a column for each source of cases.
    fn of_methods(trials: &[&TrialRecord]) -> Vec<Self> {
        let mut peers: BTreeMap<&str, BTreeMap<(String, String), Cell>> = BTreeMap::new();
        for trial in trials {
            let peer = trial.server.as_deref().unwrap_or_default();
            let source = trial.case.split('.').next().unwrap_or_default().to_owned();
            let place = (trial.method.clone().unwrap_or_default(), source);
            let cell = peers.entry(peer).or_default().entry(place).or_default();
            cell.counts.add(trial.verdict);
            trial.group().clone_into(&mut cell.group);
        }
        let matrix = |(peer, cells)| {
            Self::with_cells(format!("{}/{peer}", compare::SUITE), ["method", "cases"], &cells)
        };
        peers.into_iter().map(matrix).collect()
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
        Self::with_cells(suite.to_owned(), axes, &cells)
    }

    /// The matrix with these cells, by row and column.
    fn with_cells(
        suite: String,
        axes: [&'static str; 2],
        cells: &BTreeMap<(String, String), Cell>,
    ) -> Self {
        let columns: BTreeSet<_> = cells.keys().map(|(_, column)| column.clone()).collect();
        let rows: BTreeSet<_> = cells.keys().map(|(row, _)| row.clone()).collect();
        let row = |row: String| {
            let cell = |column: &String| cells.get(&(row.clone(), column.clone())).cloned();
            (row.clone(), columns.iter().map(cell).collect())
        };
        Self {
            suite,
            axes,
            rows: rows.into_iter().map(row).collect(),
            columns: columns.into_iter().collect(),
        }
    }

    /// The matrix as text for a terminal.
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

/// The matrices of all suites as text for a terminal.
pub(crate) fn tables(record: &Record) -> String {
    // The tables of methods contain more about the suite `compare`.
    let is_shown = |matrix: &&Matrix| record.methods.is_empty() || matrix.axes[0] != "method";
    Matrix::all(record).iter().filter(is_shown).map(Matrix::text).collect::<Vec<_>>().join("\n")
}

/// The peers that took part with their languages and versions, one peer per line.
pub(crate) fn legend(record: &Record) -> String {
    let sides = record.trials().flat_map(|trial| trial.server.iter().chain(&trial.client));
    let names: BTreeSet<_> = sides.collect();
    let has_live = record.trials().any(|trial| trial.baseline == BaselineKind::Live);
    let took_part = |peer: &&Participant| names.contains(&peer.name) || peer.reference && has_live;
    let line = |peer: &Participant| {
        let language = Some(&peer.language).filter(|language| !language.is_empty());
        let about: Vec<_> = language.into_iter().chain(&peer.versions).cloned().collect();
        let colon = if about.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", peer.name, about.join(", "))
    };
    record.peers.iter().filter(took_part).map(line).collect::<Vec<_>>().join("\n")
}
