//! Writes files that replace others.
//!
//! A file is first written under a temporary name and then renamed, so that a reader never gets a part of it, and the
//! old file is not lost if the disk is full.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The reason why a file was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {}", path.display(), reason(source))]
pub struct Unwritten {
    path: PathBuf,
    source: io::Error,
}

impl Unwritten {
    /// The file at `path` was not written because of this error.
    pub(crate) fn new(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { path: path.into(), source }
    }
}

/// The text of `error`, without the path of the temporary file, which would only confuse.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" at path ").next().unwrap_or(&text).to_owned()
}

/// Replaces the file at `path` with the output of `write`, atomically. Creates its folder if necessary.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut NamedTempFile>) -> io::Result<()>,
) -> Result<(), Unwritten> {
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
        Ok::<_, io::Error>(())
    };
    attempt().map_err(|error| Unwritten::new(path, error))
}

/// Temporary files are readable only by their owner, but reports must be readable by all users.
#[cfg(unix)]
fn make_readable(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}
