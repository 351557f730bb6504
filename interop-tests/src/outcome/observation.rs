//! What was observed of a peer: lines of `what = value`, in one canonical form.
//!
//! One form for comparing, for showing and for the goldens, so that what a person reads is all that
//! was compared.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

use crate::outcome::finding::Mismatch;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    lines: Vec<Line>,
}

/// One thing that was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// What it is: `status`, `root`, `stream 1: end`.
    pub(crate) what: String,
    pub(crate) value: String,
}

/// A value in what is right that any other is as good as.
pub(crate) const ANY: &str = "(any)";

/// What a line says that is not there.
const NOTHING: &str = "(none)";

impl Observation {
    pub(crate) fn add(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.lines.push(Line { what: what.into(), value: value.into() });
    }

    /// Adds the lines of `other`, each with `label` before it.
    pub(crate) fn extend(&mut self, label: &str, other: Self) {
        for Line { what, value } in other.lines {
            self.add(format!("{label}{what}"), value);
        }
    }

    pub(crate) fn lines(self) -> Vec<Line> {
        self.lines
    }

    fn value(&self, what: &str) -> Option<&str> {
        self.lines.iter().find(|line| line.what == what).map(|line| &line.value[..])
    }

    /// All values of `what`: its own, or of each call or stream that has one.
    pub(crate) fn values(&self, what: &str) -> Vec<&str> {
        let is_meant = |name: &str| {
            name.strip_suffix(what).is_some_and(|part| part.is_empty() || part.ends_with(": "))
        };
        let meant = self.lines.iter().filter(|line| is_meant(&line.what));
        meant.map(|line| &line.value[..]).collect()
    }

    /// Where `observed` differs.
    pub(crate) fn mismatches(&self, observed: &Self) -> Vec<Mismatch> {
        let more = observed.lines.iter().filter(|line| self.value(&line.what).is_none());
        self.lines
            .iter()
            .chain(more)
            .map(|Line { what, .. }| (what, self.value(what), observed.value(what)))
            .filter(|(_, expected, observed)| expected != observed && *expected != Some(ANY))
            .map(|(what, expected, observed)| {
                Mismatch::new(what, expected.unwrap_or(NOTHING), observed.unwrap_or(NOTHING))
            })
            .collect()
    }

    /// Reads the canonical form; the error is the line that is none.
    pub(crate) fn from_text(text: &str) -> Result<Self, String> {
        let line = |line: &str| {
            let (what, value) = line.split_once(" = ").ok_or_else(|| line.to_owned())?;
            Ok(Line { what: what.to_owned(), value: value.to_owned() })
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Self { lines: lines.map(line).collect::<Result<_, String>>()? })
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|Line { what, value }| writeln!(f, "{what} = {value}"))
    }
}

impl<'de> Deserialize<'de> for Observation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let error = |line: String| de::Error::custom(format!("`{line}` is not `what = value`"));
        Self::from_text(&text).map_err(error)
    }
}
