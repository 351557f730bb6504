//! The matrix: servers down, clients across, the verdicts counted in each cell.
//!
//! Every verdict is counted under its own name, so that what was skipped or not supported cannot be
//! read as a pass.

use std::collections::BTreeMap;
use std::fmt;

use comfy_table::{Table, presets};

use super::peer::Peer;
use super::trial::TrialName;
use super::verdict::Verdict;

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: usize,
    failed: usize,
    set_up_errors: usize,
    known_deviations: usize,
    not_supported: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed { .. } => &mut self.failed,
            Verdict::SetUpError { .. } => &mut self.set_up_errors,
            Verdict::KnownDeviation { .. } => &mut self.known_deviations,
            Verdict::NotSupported { .. } => &mut self.not_supported,
            Verdict::Skipped { .. } => &mut self.skipped,
        } += 1;
    }

    /// Each count with its name; those that are zero are left out, unless they always matter.
    fn parts(self) -> Vec<String> {
        let count = |number: usize, one: &str, many: &str| {
            (number > 0).then(|| format!("{number} {}", if number == 1 { one } else { many }))
        };
        [
            Some(format!("{} passed", self.passed)),
            Some(format!("{} failed", self.failed)),
            count(self.set_up_errors, "set-up error", "set-up errors"),
            count(self.known_deviations, "known deviation", "known deviations"),
            count(self.not_supported, "not supported", "not supported"),
            count(self.skipped, "skipped", "skipped"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().join(", "))
    }
}

/// The counts of all verdicts together.
pub(crate) fn total(verdicts: &[(TrialName, Verdict)]) -> Counts {
    let mut counts = Counts::default();
    for (_, verdict) in verdicts {
        counts.add(verdict);
    }
    counts
}

/// One table for each suite.
pub(crate) fn tables(verdicts: &[(TrialName, Verdict)]) -> String {
    let mut suites: BTreeMap<&str, BTreeMap<(&str, &str), Counts>> = BTreeMap::new();
    for (trial, verdict) in verdicts {
        let cells = suites.entry(trial.suite).or_default();
        cells.entry((&trial.server, &trial.client)).or_default().add(verdict);
    }
    suites.iter().map(|(suite, cells)| table(suite, cells)).collect::<Vec<_>>().join("\n")
}

/// What the names of the peers that took part stand for.
pub(crate) fn legend(peers: &[Peer], verdicts: &[(TrialName, Verdict)]) -> String {
    let took_part = |peer: &&Peer| {
        verdicts
            .iter()
            .any(|(trial, _)| [&trial.server, &trial.client].contains(&peer.name.get_ref()))
    };
    peers
        .iter()
        .filter(took_part)
        .map(|peer| format!("{}: {}", peer.name(), peer.language))
        .collect::<Vec<_>>()
        .join("\n")
}

fn table(suite: &str, cells: &BTreeMap<(&str, &str), Counts>) -> String {
    let mut servers: Vec<_> = cells.keys().map(|(server, _)| *server).collect();
    servers.dedup();
    let mut clients: Vec<_> = cells.keys().map(|(_, client)| *client).collect();
    clients.sort_unstable();
    clients.dedup();
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL_CONDENSED);
    let corner = format!("{suite}: server \\ client");
    table.set_header(std::iter::once(corner).chain(clients.iter().map(|c| (*c).to_owned())));
    for server in servers {
        let cell = |client: &&str| {
            cells.get(&(server, client)).map_or("-".to_owned(), |counts| counts.parts().join("\n"))
        };
        table.add_row(std::iter::once(server.to_owned()).chain(clients.iter().map(cell)));
    }
    format!("{table}\n")
}
