//! The matrix: servers down, clients across, the verdicts counted in each cell.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Table, presets};

use crate::report::record::Record;
use crate::report::record::counts::Counts;
use crate::report::record::participant::Participant;

/// What stands in a cell that no trial is about.
pub(crate) const NO_TRIAL: &str = "-";

/// The matrix of one suite.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) suite: String,
    pub(crate) clients: Vec<String>,
    /// The servers, each with a cell for every client.
    pub(crate) rows: Vec<(String, Vec<Option<Counts>>)>,
}

impl Matrix {
    /// A matrix for each suite, in the order of their names.
    pub(crate) fn all(record: &Record) -> Vec<Self> {
        let mut suites: BTreeMap<&str, BTreeMap<(&str, &str), Counts>> = BTreeMap::new();
        for trial in &record.trials {
            let cells = suites.entry(&trial.suite).or_default();
            cells.entry((&trial.server, &trial.client)).or_default().add(trial.verdict);
        }
        suites.into_iter().map(|(suite, cells)| Self::of(suite, &cells)).collect()
    }

    fn of(suite: &str, cells: &BTreeMap<(&str, &str), Counts>) -> Self {
        let servers: BTreeSet<_> = cells.keys().map(|(server, _)| *server).collect();
        let clients: BTreeSet<_> = cells.keys().map(|(_, client)| *client).collect();
        let row = |server: &str| {
            let cell = |client: &&str| cells.get(&(server, *client)).copied();
            (server.to_owned(), clients.iter().map(cell).collect())
        };
        let rows = servers.into_iter().map(row).collect();
        Self {
            suite: suite.to_owned(),
            clients: clients.iter().map(|c| (*c).to_owned()).collect(),
            rows,
        }
    }

    /// As a terminal shows it.
    fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_FULL_CONDENSED);
        let corner = format!("{}: server \\ client", self.suite);
        table.set_header(std::iter::once(corner).chain(self.clients.iter().cloned()));
        for (server, cells) in &self.rows {
            let cell = |counts: &Option<Counts>| {
                counts.map_or(NO_TRIAL.to_owned(), |counts| counts.parts().join("\n"))
            };
            table.add_row(std::iter::once(server.clone()).chain(cells.iter().map(cell)));
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
    let names: BTreeSet<_> =
        record.trials.iter().flat_map(|trial| [&trial.server, &trial.client]).collect();
    let peers = record.peers.iter().filter(|peer| names.contains(&peer.name));
    let line = |peer: &Participant| {
        let versions = peer.versions.iter().map(|version| format!(", {version}"));
        format!("{}: {}{}", peer.name, peer.language, versions.collect::<String>())
    };
    peers.map(line).collect::<Vec<_>>().join("\n")
}
