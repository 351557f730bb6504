//! The directories that `{root}` and `{bin}` stand for.
//!
//! An installed tool runs outside a checkout, so there may be no root. What needs one fails with an
//! error that says so; everything else works.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::embedded;

/// The file whose presence makes a directory the root.
const MARKER: &str = "interop-tests/peers.toml";

/// The values of `{root}` and `{bin}`.
#[derive(Clone, Debug)]
pub struct Places {
    root: Option<PathBuf>,
    bin: PathBuf,
}

/// Something needs the root directory, and there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} needs the root directory, and neither the working directory nor a directory above it \
     contains {MARKER}: run the tool in a checkout, or name the root with --root DIR"
)]
pub struct NoRoot(String);

impl Places {
    /// These directories; a root that is not given does not exist.
    pub fn new(root: Option<PathBuf>, bin: PathBuf) -> Self {
        Self { root, bin }
    }

    /// The directories of this process. The root is `root`, or else the nearest directory from the
    /// working directory upwards that contains `interop-tests/peers.toml`, if there is one. The
    /// programs are in `bin`, or else in the directory of the tool's own executable.
    pub fn find(root: Option<&Path>, bin: Option<&Path>) -> io::Result<Self> {
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

    /// `{bin}`: the directory of the project's programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// `{root}`, if there is one.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// `{root}`; the error says that `what` needs it.
    pub fn root_for(&self, what: impl Into<String>) -> Result<&Path, NoRoot> {
        self.root().ok_or_else(|| NoRoot(what.into()))
    }

    /// `text` with the directories in the places of `{root}` and `{bin}`.
    pub fn fill(&self, text: &str) -> Result<String, NoRoot> {
        let mut text = text.to_owned();
        if text.contains("{root}") {
            let root = self.root_for(format!("`{text}`"))?;
            text = text.replace("{root}", &root.to_string_lossy());
        }
        Ok(text.replace("{bin}", &self.bin.to_string_lossy()))
    }

    /// `path`, which starts at the root if it is relative. Without a root an empty path is the working
    /// directory.
    pub fn absolute(&self, path: &str) -> Result<PathBuf, NoRoot> {
        match (Path::new(path), self.root()) {
            (path, _) if path.is_absolute() => Ok(path.to_owned()),
            (path, Some(root)) => Ok(root.join(path)),
            (_, None) if path.is_empty() => Ok(std::env::current_dir().unwrap_or_default()),
            (_, None) => Err(NoRoot(format!("the relative path `{path}`"))),
        }
    }

    /// The project's own file or folder called `name`: in the root's `interop-tests`, or built into the
    /// tool where there is no root.
    pub fn project_file(&self, name: &str) -> PathBuf {
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
        assert_eq!(places.fill("{bin}/server"), Ok("/tools/server".to_owned()));
        let error = places.fill("{root}/server").unwrap_err().to_string();
        assert!(error.starts_with("`{root}/server` needs the root directory"), "{error}");
        let error = places.absolute("python").unwrap_err().to_string();
        assert!(error.starts_with("the relative path `python` needs"), "{error}");
        assert_eq!(places.absolute("/python"), Ok("/python".into()));
        assert_eq!(places.absolute(""), Ok(std::env::current_dir().unwrap()));
    }

    #[test]
    fn a_relative_path_starts_at_the_root() {
        let places = Places::new(Some("/project".into()), "/tools".into());
        assert_eq!(places.fill("{root}/{bin}"), Ok("/project//tools".to_owned()));
        assert_eq!(places.absolute("python"), Ok("/project/python".into()));
        assert_eq!(places.absolute(""), Ok("/project/".into()));
    }

    #[test]
    fn a_default_is_in_the_root() {
        let places = Places::new(Some("/project".into()), "bin".into());
        let path = places.project_file("peers.toml");
        assert_eq!(path, Path::new("/project/interop-tests/peers.toml"));
    }
}
