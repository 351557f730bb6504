//! The goldens: what the reference answered when somebody last looked, as a text to review.
//!
//! They stand in for the reference where it cannot run, and show when a new version of it has
//! changed its mind. Of a case whose answer is not stable the whole set is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::source;
use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;

/// A file of goldens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Goldens {
    /// What the reference was made of, a line each.
    pub(crate) versions: Vec<String>,
    /// For each case what it has been seen to do, in the order of the cases.
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

const VERSION: &str = "version ";
const OR: &str = "or";

impl Goldens {
    pub(crate) fn read(path: &Path) -> Result<Self, GoldenError> {
        let text = source::read_text(path)
            .map_err(|source| GoldenError::Read { path: path.to_owned(), source })?;
        Self::from_text(&text).map_err(|(line, message)| GoldenError::Syntax {
            path: path.to_owned(),
            line,
            message,
        })
    }

    /// What the reference has been seen to do with the case called `name`.
    pub(crate) fn of(&self, name: &str) -> Option<&[Observation]> {
        self.answers.iter().find(|(other, _)| other == name).map(|(_, answers)| &answers[..])
    }

    /// The same, for a trial that cannot do without.
    pub(crate) fn must_have(&self, name: &str) -> Result<&[Observation], Finding> {
        self.of(name).ok_or_else(|| {
            Finding::SetUpError("there is no golden of this case: `make golden`".to_owned())
        })
    }

    /// A golden of none of the cases called `names`.
    pub(crate) fn without_case(&self, names: &[&str]) -> Option<&str> {
        self.answers.iter().map(|(name, _)| &name[..]).find(|name| !names.contains(name))
    }

    /// The cases whose answers differ from those in `other`, on either side.
    pub(crate) fn changes(&self, other: &Self) -> Vec<String> {
        let all: BTreeMap<_, _> = self.answers.iter().chain(&other.answers).cloned().collect();
        all.into_keys().filter(|name| self.of(name) != other.of(name)).collect()
    }

    /// The text of the file, with the suite's `heading` as a comment.
    pub(crate) fn text(&self, heading: &str) -> String {
        let mut lines: Vec<_> = heading.lines().map(|line| format!("# {line}")).collect();
        lines.push(self.to_string());
        lines.join("\n")
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
                    return Err(wrong("there already is such a case"));
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
