//! Paths for Unix domain sockets.
//!
//! Below the system's folder for temporary files and not beside the logs: a socket's path has to fit
//! into some hundred bytes.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

/// A folder for sockets that goes away with the run; made when the first is needed.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    folder: OnceLock<Result<TempDir, String>>,
    given: AtomicUsize,
}

impl Sockets {
    /// An address, `unix:PATH`, that no other call gives.
    pub(crate) fn next_address(&self) -> Result<String, String> {
        let made = || {
            tempfile::Builder::new()
                .prefix("interop-")
                .tempdir()
                .map_err(|error| format!("no folder for sockets can be made: {error}"))
        };
        let folder = self.folder.get_or_init(made).as_ref().map_err(Clone::clone)?;
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        Ok(format!("unix:{}", folder.path().join(format!("{number}.sock")).display()))
    }
}
