//! Records as files.
//!
//! A file is written beside its place and then moved there, so that nobody ever reads half of one that
//! was written here; one that is half all the same has been copied so.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;
use tempfile::NamedTempFile;

use crate::report::record::{FORMAT, Record, VERSION, version_1};

/// Why a file that is no record cannot be used as one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(
        "{path}: cannot be read: {source}; `make interop` writes a record to \
             target/interop/report.json"
    )]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{path}: ends too early, in line {line}: only a part of the record is here; copy it again, \
             or run again"
    )]
    Truncated { path: PathBuf, line: usize },
    #[error(
        "{path}: is no record of an interop run ({why}); `make interop` writes one to \
             target/interop/report.json"
    )]
    NoRecord { path: PathBuf, why: String },
    #[error(
        "{path}: is a record of format version {version}, and only versions {OLD} and {VERSION} can \
             be read here; use the harness that wrote it, or run again",
        OLD = version_1::VERSION
    )]
    OtherVersion { path: PathBuf, version: u32 },
    #[error("{path}: says that it is a record of format version {version}, and is not: {why}")]
    Wrong { path: PathBuf, version: u32, why: String },
}

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot be written: {source}")]
pub(crate) struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// What every version of the format has.
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

/// Reads the record at `path`. One of an older format has the names of trials that this one has.
pub(crate) fn read(path: &Path) -> Result<Record, ReadError> {
    let path = path.to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(ReadError::Read { path, source }),
    };
    let version = match serde_json::from_str::<Heading>(&text) {
        Err(error) if error.is_eof() => {
            return Err(ReadError::Truncated { path, line: error.line() });
        }
        Err(error) => return Err(ReadError::NoRecord { path, why: error.to_string() }),
        Ok(Heading { format, .. }) if format != FORMAT => {
            return Err(ReadError::NoRecord { path, why: format!("its format is `{format}`") });
        }
        Ok(Heading { version, .. }) => version,
    };
    let record = match version {
        VERSION => serde_json::from_str(&text),
        version_1::VERSION => serde_json::from_str(&text).and_then(|mut record| {
            version_1::upgrade(&mut record);
            serde_json::from_value(record)
        }),
        _ => return Err(ReadError::OtherVersion { path, version }),
    };
    record.map_err(|error| ReadError::Wrong { path, version, why: error.to_string() })
}

/// Writes `record` to `path`, whose folder is made if there is none.
pub(crate) fn write(record: &Record, path: &Path) -> Result<(), WriteError> {
    replace(path, |out| {
        let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Lines::default());
        record.serialize(&mut serializer)?;
        out.write_all(b"\n")
    })
}

/// Writes a file with what `write` writes, whole or not at all.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut NamedTempFile>) -> io::Result<()>,
) -> Result<(), WriteError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let attempt = || {
        std::fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        let mut out = BufWriter::new(&mut file);
        write(&mut out)?;
        out.flush()?;
        drop(out);
        make_readable(&file)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(|source| WriteError { path: path.to_owned(), source })
}

/// A line for each key of the record, and for each trial in it: what searches and compares lines is of
/// use, and the file is not longer for it.
#[derive(Debug, Default)]
struct Lines {
    depth: usize,
}

impl Lines {
    /// Writes what stands before something, on a line of its own if it is as deep as `depth`.
    fn begin<W: ?Sized + Write>(
        &self,
        writer: &mut W,
        first: bool,
        depth: usize,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b"," })?;
        writer.write_all(if self.depth == depth { b"\n" } else { b"" })
    }
}

impl Formatter for Lines {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.begin(writer, first, 1)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.begin(writer, first, 2)
    }
}

/// Temporary files are for their owner alone, and reports are for everybody.
#[cfg(unix)]
fn make_readable(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}
