//! A table of several runs, each with other versions of the reference: one row per run, one column per suite.
//!
//! The last column lists the cases in which the reference differs from the goldens, which no other report shows.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use comfy_table::{Table, presets};

use crate::config::Assignment;
use crate::outcome::{BaselineKind, VerdictKind};
use crate::output::file::replace;
use crate::output::out;
use crate::report::{
    matrix::NO_TRIAL,
    record::{Record, file, format::Counts, trial::TrialRecord},
};

/// The file that lists all differences from the goldens.
const DIFFERENCES: &str = "differences.txt";

/// How many names of cases a cell lists.
const SHOWN: usize = 4;

/// A run, or the reason why it did not take place.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    ran: Result<Record, String>,
}

impl Row {
    /// Reads the file of a `NAME=FILE` argument.
    pub(crate) fn read(Assignment { name, value }: &Assignment) -> anyhow::Result<Self> {
        let path = PathBuf::from(value);
        let ran = if path.extension().is_some_and(|extension| extension == "json") {
            Ok(file::read(&path)?)
        } else {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Err(text.trim_end().to_owned())
        };
        Ok(Self { name: name.clone(), ran })
    }

    /// The name of the run and the versions of its reference.
    fn heading(&self) -> String {
        let reference = self.ran.iter().flat_map(|record| &record.peers).find(|p| p.reference);
        let versions = reference.map(|peer| &peer.versions[..]).unwrap_or_default();
        [std::slice::from_ref(&self.name), versions].concat().join("\n")
    }

    fn counts(&self, suite: &str) -> Option<Counts> {
        let mut trials = self.trials().filter(|trial| trial.suite == suite).peekable();
        trials.peek()?;
        Some(Counts::of(trials))
    }

    fn trials(&self) -> impl Iterator<Item = &TrialRecord> {
        self.ran.iter().flat_map(Record::trials)
    }

    /// The trials in which the reference differs from the goldens, sorted by suite.
    fn differences(&self) -> Vec<&TrialRecord> {
        let differs = |trial: &&TrialRecord| {
            trial.baseline == BaselineKind::Golden && trial.verdict == VerdictKind::NotSupported
        };
        let mut trials: Vec<_> = self.trials().filter(differs).collect();
        trials.sort_by_key(|trial| &trial.suite);
        trials
    }

    /// The number of differences in each suite, with the names of the first cases.
    fn summary(&self) -> String {
        let in_short = |trials: &[&TrialRecord]| {
            let names: Vec<_> = trials.iter().take(SHOWN).map(|trial| &trial.case[..]).collect();
            let more = match trials.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!("\nand {more} more"),
            };
            format!("{}: {}\n{}{more}", trials[0].suite, trials.len(), names.join("\n"))
        };
        let differences = self.differences();
        let suites: Vec<_> =
            differences.chunk_by(|one, other| one.suite == other.suite).map(in_short).collect();
        if suites.is_empty() { "none".to_owned() } else { suites.join("\n") }
    }
}

/// Prints the table of `rows` and writes all differences to [`DIFFERENCES`] in `folder`.
pub(crate) fn print(rows: &[Row], folder: &Path) -> anyhow::Result<()> {
    let line = |(row, trial): (&Row, &TrialRecord)| {
        format!("{}: {}: {}\n", row.name, trial.name, trial.why.as_deref().unwrap_or_default())
    };
    let of_row = |row| Row::differences(row).into_iter().map(move |trial| (row, trial));
    let all: Vec<_> = rows.iter().flat_map(of_row).map(line).collect();
    out!("{}\n", table(rows));
    for row in rows {
        let warning = row.ran.iter().filter_map(Record::warning);
        warning.for_each(|warning| out!("interop: {}: {warning}", row.name));
    }
    let path = folder.join(DIFFERENCES);
    replace(&path, |out| out.write_all(all.concat().as_bytes()))?;
    let (number, path) = (all.len(), path.display());
    out!("interop: {number} differences from the goldens are listed in {path}");
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let suites: BTreeSet<_> = rows.iter().flat_map(Row::trials).map(|t| &t.suite[..]).collect();
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL_CONDENSED);
    let first = std::iter::once("reference");
    table.set_header(first.chain(suites.iter().copied()).chain(["differs from the goldens"]));
    for row in rows {
        let cell = |suite: &&str| {
            row.counts(suite).map_or(NO_TRIAL.to_owned(), |counts| counts.parts().join("\n"))
        };
        let last = match &row.ran {
            Ok(_) => row.summary(),
            Err(why) => why.clone(),
        };
        let first = std::iter::once(row.heading());
        table.add_row(first.chain(suites.iter().map(cell)).chain([last]));
    }
    table
}
