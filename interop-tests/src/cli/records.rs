//! The commands that read the records of runs that are over, and start no process.

use std::path::{Path, PathBuf};

use crate::config::variables::Assignment;
use crate::report;
use crate::report::conclusion;
use crate::report::difference::Difference;
use crate::report::record::{file, merge};
use crate::report::versions_table;
use crate::report::versions_table::Row;

/// Prints what changed from one record to another; returns whether nothing got worse.
pub(crate) fn diff(old: &Path, new: &Path) -> anyhow::Result<bool> {
    let difference = Difference::between(&file::read(old)?, &file::read(new)?);
    anstream::println!("{difference}");
    Ok(!difference.is_worse())
}

/// Writes the reports of the merged records into `output`; returns whether nothing failed.
pub(crate) fn merge(paths: &[PathBuf], output: &Path) -> anyhow::Result<bool> {
    let read = |path: &PathBuf| anyhow::Ok((path.clone(), file::read(path)?));
    let merged = merge::merge(paths.iter().map(read).collect::<Result<_, _>>()?)?;
    report::write(&merged, output)?;
    conclusion::print(&merged, &[], output);
    Ok(merged.is_clean())
}

/// Prints the table of the records that `rows` name, and writes its differences into `output`.
pub(crate) fn table(rows: &[Assignment], output: &Path) -> anyhow::Result<()> {
    let rows: Vec<_> = rows.iter().map(Row::read).collect::<Result<_, _>>()?;
    versions_table::print(&rows, output)
}
