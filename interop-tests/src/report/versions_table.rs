//! The records of several runs in one table, each with another reference: a row a run, a column a suite.
//!
//! What a reference does otherwise than the goldens is in no other report; it is why such runs are made.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use comfy_table::{Table, presets};

use crate::config::Assignment;
use crate::outcome::{BaselineKind, VerdictKind};
use crate::report::matrix::NO_TRIAL;
use crate::report::record::Record;
use crate::report::record::file;
use crate::report::record::format::Counts;
use crate::report::record::trial::TrialRecord;

/// The file with the names of all cases that differ.
const DIFFERENCES: &str = "differences.txt";

/// How many names of them a cell has.
const SHOWN: usize = 4;

/// A run, or why there was none.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    ran: Result<Record, String>,
}

impl Row {
    /// Reads `NAME=FILE`.
    pub(crate) fn read(Assignment { name, value }: &Assignment) -> anyhow::Result<Self> {
        let path = PathBuf::from(value);
        let ran = if path.extension().is_some_and(|extension| extension == "json") {
            Ok(file::read(&path)?)
        } else {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            Err(text.trim_end().to_owned())
        };
        Ok(Self { name: name.clone(), ran })
    }

    /// Its name, and what the reference was made of.
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

    /// The cases in which the reference differs from the goldens, suite by suite.
    fn differences(&self) -> Vec<&TrialRecord> {
        let differs = |trial: &&TrialRecord| {
            trial.baseline == BaselineKind::Golden && trial.verdict == VerdictKind::NotSupported
        };
        let mut trials: Vec<_> = self.trials().filter(differs).collect();
        trials.sort_by_key(|trial| &trial.suite);
        trials
    }

    /// Their number in each suite, and the names of the first.
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
        if suites.is_empty() { "nothing".to_owned() } else { suites.join("\n") }
    }
}

/// Prints the table of `rows`, and writes all that differs into `folder`.
pub(crate) fn print(rows: &[Row], folder: &Path) -> anyhow::Result<()> {
    let line = |(row, trial): (&Row, &TrialRecord)| {
        format!("{}: {}: {}\n", row.name, trial.name, trial.why.as_deref().unwrap_or_default())
    };
    let of_row = |row| Row::differences(row).into_iter().map(move |trial| (row, trial));
    let all: Vec<_> = rows.iter().flat_map(of_row).map(line).collect();
    anstream::println!("{}\n", table(rows));
    for row in rows {
        let warning = row.ran.iter().filter_map(Record::warning);
        warning.for_each(|warning| anstream::println!("interop: {}: {warning}", row.name));
    }
    let path = folder.join(DIFFERENCES);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, all.concat()))
        .with_context(|| format!("{} cannot be written", path.display()))?;
    let (number, path) = (all.len(), path.display());
    anstream::println!("interop: {number} answers that are not as the goldens are in {path}");
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let suites: BTreeSet<_> = rows.iter().flat_map(Row::trials).map(|t| &t.suite[..]).collect();
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL_CONDENSED);
    let first = std::iter::once("reference");
    table.set_header(first.chain(suites.iter().copied()).chain(["other than the goldens"]));
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
