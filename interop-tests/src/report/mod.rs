//! The reports of a run, for people and for other programs.
//!
//! All reports are made from the record alone, so a report that is made later has the same content.
//!
//! - `matrix`, `terminal`: terminal output
//! - `html`, `junit`, `summary`: files
//! - `methods`, `findings`, `remedy`, `services`: how the methods of services compare, the causes of differences, what to
//!   do, and all of this for templates
//! - `proxies`: what proxies do, whatever the server
//! - `fuzzed`: the output of `interop fuzz` for a service
//! - `difference`, `versions_table`: a comparison of two records, and a table of any number of records

pub(crate) mod difference;
pub(crate) mod findings;
pub(crate) mod fuzzed;
pub(crate) mod html;
pub(crate) mod junit;
pub(crate) mod matrix;
pub(crate) mod methods;
pub(crate) mod proxies;
pub mod record;
pub(crate) mod remedy;
pub(crate) mod services;
pub(crate) mod summary;
pub(crate) mod terminal;
pub(crate) mod versions_table;

use std::path::{Path, PathBuf};

use crate::output::file::{Unwritten, replace};
use crate::report::record::{Record, file};

/// The names of the record and of the reports of a run.
const FILES: [&str; 4] = ["report.json", "report.html", "junit.xml", "summary.md"];

/// The path of the record of a run whose reports are in `folder`.
pub(crate) fn record_in(folder: &Path) -> PathBuf {
    folder.join(FILES[0])
}

/// Removes the reports of an earlier run from `folder`, because they do not match the new record.
pub(crate) fn clear(folder: &Path) {
    for name in &FILES[1..] {
        // If a file cannot be removed, writing it will fail too, and that error is reported.
        let _ = std::fs::remove_file(folder.join(name));
    }
}

/// Writes the record and all reports to `folder`, even if some cannot be written; returns the names of those that were
/// written, and why the others were not.
pub(crate) fn write(record: &Record, folder: &Path) -> (Vec<&'static str>, Vec<Unwritten>) {
    let [record_file, html, junit, summary] = FILES.map(|name| folder.join(name));
    let results = [
        file::write(record, &record_file),
        replace(&html, |out| html::write(record, out)),
        replace(&junit, |out| junit::write(record, out)),
        replace(&summary, |out| summary::write(record, out)),
    ];
    let (mut written, mut unwritten) = (Vec::new(), Vec::new());
    for (name, result) in FILES.into_iter().zip(results) {
        match result {
            Ok(()) => written.push(name),
            Err(error) => unwritten.push(error),
        }
    }
    (written, unwritten)
}
