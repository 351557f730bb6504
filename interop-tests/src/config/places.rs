//! The directories `{root}` and `{bin}`.
//!
//! An installed tool can run outside a checkout, and then there is no root. Only what needs the root fails, with an
//! error.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::embedded;

/// The file that identifies the root directory.
const MARKER: &str = "interop-tests/peers.toml";

/// The values of `{root}` and `{bin}`.
#[derive(Clone, Debug)]
pub struct Places {
    root: Option<PathBuf>,
    bin: PathBuf,
}

/// An error: something needs the root directory, and there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} needs the root directory, but neither the working directory nor a parent of it contains \
     {MARKER}; run interop in a checkout, or set the root with --root DIR"
)]
pub struct NoRoot(String);

impl Places {
    /// These directories; there may be no root.
    pub fn new(root: Option<PathBuf>, bin: PathBuf) -> Self {
        Self { root, bin }
    }

    /// The directories of this process. The root is `root`, or else the nearest of the working directory and its
    /// parents that contains `interop-tests/peers.toml`, if there is one. Programs are in `bin`, or else in the
    /// directory of this executable.
    pub(crate) fn find(root: Option<&Path>, bin: Option<&Path>) -> io::Result<Self> {
        let here = std::env::current_dir()?;
        let root = match root {
            Some(root) => Some(here.join(root)),
            None => root_above(&here),
        };
        let bin = match bin {
            Some(bin) => here.join(bin),
            None => std::env::current_exe()?.parent().unwrap_or(Path::new("")).to_owned(),
        };
        Ok(Self { root, bin })
    }

    /// The value of `{bin}`: the directory of the project's programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The value of `{root}`, if there is a root.
    pub(crate) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The value of `{root}`. The error says that `what` needs it.
    pub fn root_for(&self, what: impl Into<String>) -> Result<&Path, NoRoot> {
        self.root().ok_or_else(|| NoRoot(what.into()))
    }

    /// `path`, relative to the root unless it is absolute. Without a root, an empty path is the working directory.
    pub(crate) fn absolute(&self, path: &str) -> Result<PathBuf, NoRoot> {
        match (Path::new(path), self.root()) {
            (path, _) if path.is_absolute() => Ok(path.to_owned()),
            (path, Some(root)) => Ok(root.join(path)),
            (_, None) if path.is_empty() => Ok(std::env::current_dir().unwrap_or_default()),
            (_, None) => Err(NoRoot(format!("the relative path `{path}`"))),
        }
    }

    /// The project's file or folder `name`: in the folder `interop-tests` of the root, or built into the tool if
    /// there is no root.
    pub(crate) fn project_file(&self, name: &str) -> PathBuf {
        match self.root() {
            Some(root) => root.join("interop-tests").join(name),
            None => embedded::path(name),
        }
    }
}

fn root_above(directory: &Path) -> Option<PathBuf> {
    directory.ancestors().find(|folder| folder.join(MARKER).is_file()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_nearest_directory_with_the_peers_file() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(inner.join("c/interop-tests")).unwrap();
        assert_eq!(root_above(&inner.join("c")), None);
        std::fs::create_dir_all(folder.path().join("a/interop-tests")).unwrap();
        std::fs::write(folder.path().join("a").join(MARKER), "").unwrap();
        assert_eq!(root_above(&inner.join("c")), Some(folder.path().join("a")));
        std::fs::write(inner.join("c").join(MARKER), "").unwrap();
        assert_eq!(root_above(&inner.join("c")), Some(inner.join("c")));
    }

    #[test]
    fn a_missing_root_is_reported_with_what_needs_it() {
        let places = Places::new(None, "bin".into());
        let error = places.root_for("this").unwrap_err().to_string();
        assert!(error.starts_with("this needs the root directory"), "{error}");
        assert!(error.ends_with("--root DIR"), "{error}");
    }

    #[test]
    fn without_a_root_only_what_needs_it_fails() {
        let places = Places::new(None, "/tools".into());
        let error = places.absolute("python").unwrap_err().to_string();
        assert!(error.starts_with("the relative path `python` needs"), "{error}");
        assert_eq!(places.absolute("/python"), Ok("/python".into()));
        assert_eq!(places.absolute(""), Ok(std::env::current_dir().unwrap()));
    }

    #[test]
    fn a_relative_path_starts_at_the_root() {
        let places = Places::new(Some("/project".into()), "/tools".into());
        assert_eq!(places.absolute("python"), Ok("/project/python".into()));
        assert_eq!(places.absolute(""), Ok("/project/".into()));
    }

    #[test]
    fn a_default_path_is_in_the_root() {
        let places = Places::new(Some("/project".into()), "bin".into());
        let path = places.project_file("peers.toml");
        assert_eq!(path, Path::new("/project/interop-tests/peers.toml"));
    }
}
