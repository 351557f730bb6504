//! The reports: what people and other programs read of a record.
//!
//! None of them looks at anything but the record, so one that is made later tells the same.
//!
//! - [`matrix`], [`conclusion`], [`progress`]: the terminal
//! - [`html`], [`junit`], [`summary`]: files
//! - [`difference`], [`several`]: two records compared, and any number of them in a table

pub(crate) mod conclusion;
pub(crate) mod difference;
pub(crate) mod html;
pub(crate) mod junit;
pub(crate) mod matrix;
pub(crate) mod progress;
pub mod record;
pub(crate) mod summary;
pub(crate) mod trace_archive;
pub(crate) mod versions_table;

use std::path::{Path, PathBuf};

use crate::report::record::Record;
use crate::report::record::file;

/// The record, and what is made from it.
const FILES: [&str; 4] = ["report.json", "report.html", "junit.xml", "summary.md"];

/// Where the record is, of a run with its reports in `folder`.
pub(crate) fn record_in(folder: &Path) -> PathBuf {
    folder.join(FILES[0])
}

/// Removes what an earlier run has left in `folder` and this one has not made yet: beside its record it
/// would tell of another.
pub(crate) fn clear(folder: &Path) {
    for name in &FILES[1..] {
        // Where it cannot be removed it cannot be written either, and that is told.
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
