//! The placeholders in a peers file: the directories `{root}` and `{bin}`, and the variables of the file.
//!
//! An installed tool can run outside a checkout, and then there is no root. Only what needs the root fails, with an
//! error. With variables, the same peers can run in another directory or with other versions of their libraries
//! without a copy of the file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

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

    /// `text` with `{root}` and `{bin}` replaced.
    pub(crate) fn fill(&self, text: &str) -> Result<String, NoRoot> {
        let mut text = text.to_owned();
        if text.contains("{root}") {
            let root = self.root_for(format!("`{text}`"))?;
            text = text.replace("{root}", &root.to_string_lossy());
        }
        Ok(text.replace("{bin}", &self.bin.to_string_lossy()))
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

/// Placeholders that cannot be variables.
const RESERVED: [&str; 5] = ["root", "bin", "self", "address", "port"];

/// A `NAME=VALUE` argument of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// The table `[variables]`: names and values.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Variables(BTreeMap<Spanned<String>, String>);

impl Variables {
    /// The first invalid name, with an error message.
    pub(crate) fn wrong_name(&self) -> Option<(&Spanned<String>, String)> {
        self.0.keys().find_map(|name| {
            let word = name.get_ref();
            let of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if word.is_empty() || !word.chars().all(of_a_name) {
                Some((name, format!("variable `{word}`: a name may contain only a-z, 0-9 and -")))
            } else if RESERVED.contains(&&word[..]) {
                Some((name, format!("variable `{word}`: the placeholder {{{word}}} is reserved; choose another name")))
            } else {
                None
            }
        })
    }

    /// Whether there is a variable called `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.keys().any(|known| known.get_ref() == name)
    }

    /// Assigns values. The error lists the names of all variables.
    pub(crate) fn set(&mut self, assignments: &[Assignment]) -> Result<(), String> {
        for Assignment { name, value } in assignments {
            let slot = self.0.iter_mut().find(|(known, _)| known.get_ref() == name);
            if let Some((_, known)) = slot {
                known.clone_from(value);
                continue;
            }
            let names: Vec<_> = self.0.keys().map(|known| &known.get_ref()[..]).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!("there is no variable `{name}`; the variables are: {known}"));
        }
        Ok(())
    }

    /// `text` with all variables replaced.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{}}}", name.get_ref()), value)
        })
    }
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
    fn a_default_path_is_in_the_root() {
        let places = Places::new(Some("/project".into()), "bin".into());
        let path = places.project_file("peers.toml");
        assert_eq!(path, Path::new("/project/interop-tests/peers.toml"));
    }

    fn variables(table: &str) -> Variables {
        toml::from_str(table).unwrap()
    }

    #[test]
    fn a_value_replaces_its_placeholder_everywhere() {
        let mut variables = variables("a = \"1\"\nb-2 = \"2\"");
        assert_eq!(variables.fill("{a}/{b-2}/{a} {c}"), "1/2/1 {c}");
        variables.set(&["a=x=y".parse().unwrap()]).unwrap();
        assert_eq!(variables.fill("{a}"), "x=y");
        assert!(variables.has("b-2") && !variables.has("c"));
    }

    #[test]
    fn an_unknown_variable_is_reported_with_those_that_exist() {
        let assignment: Assignment = "c=1".parse().unwrap();
        let error =
            variables("a = \"1\"\nb = \"2\"").set(std::slice::from_ref(&assignment)).unwrap_err();
        assert_eq!(error, "there is no variable `c`; the variables are: a, b");
        let error = variables("").set(&[assignment]).unwrap_err();
        assert_eq!(error, "there is no variable `c`; the variables are: none");
        assert_eq!("c".parse::<Assignment>().unwrap_err(), "expected NAME=VALUE");
    }

    #[test]
    fn a_name_must_be_valid_and_not_reserved() {
        let wrong = |table: &str| variables(table).wrong_name().map(|(_, message)| message);
        assert_eq!(wrong("home-1 = \"\""), None);
        for name in ["Home", "ho_me", "\"\""] {
            assert!(wrong(&format!("{name} = \"\"")).unwrap().ends_with("only a-z, 0-9 and -"));
        }
        for name in RESERVED {
            assert!(wrong(&format!("{name} = \"\"")).unwrap().contains("is reserved"));
        }
    }
}
