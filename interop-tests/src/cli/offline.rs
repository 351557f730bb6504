//! What is done with the records of runs that are over, and with no peer.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::options::Options;
use crate::config::places::Places;
use crate::report;
use crate::report::conclusion;
use crate::report::difference::Difference;
use crate::report::record::Record;
use crate::report::record::file;
use crate::report::record::merge;
use crate::report::record::schema;
use crate::report::versions_table;
use crate::report::versions_table::Row;

/// The status of a comparison or a merge that found something wrong, as of a run that did.
const FAILED: u8 = 101;

/// Does what `options` ask for, if it is of this kind; reports go into `output`.
pub(crate) fn done(
    options: &Options,
    places: &Places,
    output: &Path,
) -> anyhow::Result<Option<ExitCode>> {
    if let Some([old, new]) = options.diff.as_deref() {
        let difference = Difference::between(&file::read(old)?, &file::read(new)?);
        anstream::println!("{difference}");
        return Ok(Some(status(!difference.is_worse())));
    }
    if let Some(paths) = &options.merge {
        let merged = merge::merge(all(paths)?)?;
        report::write(&merged, output)?;
        conclusion::print(&merged, &[], output);
        return Ok(Some(status(merged.is_clean())));
    }
    if let Some(files) = &options.table {
        let rows: Vec<_> = files.iter().map(Row::read).collect::<Result<_, _>>()?;
        versions_table::print(&rows, output)?;
        return Ok(Some(ExitCode::SUCCESS));
    }
    if options.record_schema {
        let root = places.root_for("--record-schema")?;
        schema::write(&root.join("interop-tests"))?;
        return Ok(Some(ExitCode::SUCCESS));
    }
    Ok(None)
}

fn all(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Record)>, file::ReadError> {
    paths.iter().map(|path| Ok((path.clone(), file::read(path)?))).collect()
}

/// The exit status for something that is right, or is not.
pub(crate) fn status(is_right: bool) -> ExitCode {
    if is_right { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}
