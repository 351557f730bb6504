//! The reports, for people and for other programs.
//!
//! They are made from the record alone, so that a report that is made later says the same.
//!
//! - [`matrix`], [`terminal`]: the terminal
//! - [`html`], [`junit`], [`summary`]: files
//! - [`difference`], [`versions_table`]: two records compared, and any number of them in a table

pub(crate) mod difference;
pub(crate) mod html;
pub(crate) mod junit;
pub(crate) mod matrix;
pub mod record;
pub(crate) mod summary;
pub(crate) mod terminal;
pub(crate) mod versions_table;

use std::path::{Path, PathBuf};

use crate::report::record::Record;
use crate::report::record::file;

/// The files of a run: its record and the reports.
const FILES: [&str; 4] = ["report.json", "report.html", "junit.xml", "summary.md"];

/// The path of the record of a run whose reports are in `folder`.
pub(crate) fn record_in(folder: &Path) -> PathBuf {
    folder.join(FILES[0])
}

/// Removes the reports that an earlier run left in `folder`: with the record of this run they would be
/// misleading.
pub(crate) fn clear(folder: &Path) {
    for name in &FILES[1..] {
        // What cannot be removed cannot be written either, and then the run says so.
        let _ = std::fs::remove_file(folder.join(name));
    }
}

/// Writes all reports into `folder`.
pub(crate) fn write(record: &Record, folder: &Path) -> anyhow::Result<()> {
    let [record_file, html, junit, summary] = FILES.map(|name| folder.join(name));
    file::write(record, &record_file)?;
    file::replace(&html, |out| html::write(record, out))?;
    file::replace(&junit, |out| junit::write(record, out))?;
    file::replace(&summary, |out| summary::write(record, out))
}
