//! What is done with the records of runs that are over, and with no peer.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::command_line::Options;
use super::record::{Record, file, merge, schema};
use super::report::difference::Difference;
use super::report::several::{self, Row};
use super::report::{self, conclusion};

/// The status of a comparison or a merge that found something wrong, as of a run that did.
const FAILED: u8 = 101;

/// Does what `options` ask for, if it is of this kind; reports go into `output`.
pub(crate) fn done(
    options: &Options,
    tests: &Path,
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
        several::print(&rows, output)?;
        return Ok(Some(ExitCode::SUCCESS));
    }
    if options.record_schema {
        schema::write(tests)?;
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
