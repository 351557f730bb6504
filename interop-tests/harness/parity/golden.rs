//! The goldens: what the reference answered when somebody last looked, as a text to review.
//!
//! They stand in for the reference where it cannot run, and show when a new version of it has
//! changed its mind. Of a probe whose answer is not stable the whole set is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::observation::Observation;
use super::probe::Probe;

/// A file of goldens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Goldens {
    /// What the reference was made of, a line each.
    pub(crate) versions: Vec<String>,
    /// For each probe what it has been seen to answer, in the order of the probes.
    pub(crate) answers: Vec<(String, Vec<Observation>)>,
}

/// Why there are no goldens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GoldenError {
    #[error("{path}: cannot be read: {source}; `make golden` writes it")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}:{line}: {message}; `make golden` writes the file anew")]
    Syntax { path: PathBuf, line: usize, message: String },
}

const COMMENT: &str = "\
# What the reference answered to each probe of server-parity: the lines that are compared, after what
# harness/parity/mask.rs drops. Written by `make golden`, never by hand; a change of it is a change of
# what every server has to be like. Between `or` stand answers of a reference that is not stable.
";
const VERSION: &str = "version ";
const OR: &str = "or";

impl Goldens {
    pub(crate) fn read(path: &Path) -> Result<Self, GoldenError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| GoldenError::Read { path: path.to_owned(), source })?;
        Self::from_text(&text).map_err(|(line, message)| GoldenError::Syntax {
            path: path.to_owned(),
            line,
            message,
        })
    }

    /// What the reference has been seen to answer to `probe`.
    pub(crate) fn of(&self, probe: &str) -> Option<&[Observation]> {
        self.answers.iter().find(|(name, _)| name == probe).map(|(_, answers)| &answers[..])
    }

    /// A golden whose probe is not among `probes`.
    pub(crate) fn without_probe(&self, probes: &[Probe]) -> Option<&str> {
        let is_there = |name: &str| probes.iter().any(|probe| probe.name() == name);
        self.answers.iter().map(|(name, _)| &name[..]).find(|name| !is_there(name))
    }

    /// The probes whose answers differ from those in `other`, on either side.
    pub(crate) fn changes(&self, other: &Self) -> Vec<String> {
        let all: BTreeMap<_, _> = self.answers.iter().chain(&other.answers).cloned().collect();
        all.into_keys().filter(|name| self.of(name) != other.of(name)).collect()
    }

    /// The error is a line's number and what is wrong with it.
    fn from_text(text: &str) -> Result<Self, (usize, String)> {
        let mut goldens = Self::default();
        for (index, line) in text.lines().enumerate() {
            let wrong = |message: &str| (index + 1, message.to_owned());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                if goldens.of(name).is_some() {
                    return Err(wrong("there already is such a probe"));
                }
                goldens.answers.push((name.to_owned(), vec![Observation::default()]));
                continue;
            }
            let Some((_, answers)) = goldens.answers.last_mut() else {
                let version = line.strip_prefix(VERSION).ok_or_else(|| wrong("not a version"))?;
                goldens.versions.push(version.to_owned());
                continue;
            };
            if line == OR {
                answers.push(Observation::default());
            } else if let (Some((what, value)), Some(answer)) =
                (line.split_once(" = "), answers.last_mut())
            {
                answer.add(what, value);
            } else {
                return Err(wrong("not `what = value`"));
            }
        }
        Ok(goldens)
    }
}

impl fmt::Display for Goldens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(COMMENT)?;
        for version in &self.versions {
            writeln!(f, "{VERSION}{version}")?;
        }
        for (name, answers) in &self.answers {
            writeln!(f, "\n[{name}]")?;
            for (index, answer) in answers.iter().enumerate() {
                if index > 0 {
                    writeln!(f, "{OR}")?;
                }
                write!(f, "{answer}")?;
            }
        }
        Ok(())
    }
}
