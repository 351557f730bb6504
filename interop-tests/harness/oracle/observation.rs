//! What was observed of a peer: lines of `what = value`, in one canonical form.
//!
//! One form for comparing, for showing and for the goldens, so that what a person reads is all that
//! was compared.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer};

use crate::harness::finding::Mismatch;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    lines: Vec<(String, String)>,
}

/// A value in what is right that any other is as good as.
pub(crate) const ANY: &str = "(any)";

/// What a line says that is not there.
const NOTHING: &str = "(none)";

impl Observation {
    pub(crate) fn add(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.lines.push((what.into(), value.into()));
    }

    fn value(&self, what: &str) -> Option<&str> {
        self.lines.iter().find(|(name, _)| name == what).map(|(_, value)| &value[..])
    }

    /// All values of `what`: its own, or of each call or stream that has one.
    pub(crate) fn values(&self, what: &str) -> Vec<&str> {
        let is_meant = |name: &str| {
            name.strip_suffix(what).is_some_and(|part| part.is_empty() || part.ends_with(": "))
        };
        let meant = self.lines.iter().filter(|(name, _)| is_meant(name));
        meant.map(|(_, value)| &value[..]).collect()
    }

    /// Where `observed` differs.
    pub(crate) fn mismatches(&self, observed: &Self) -> Vec<Mismatch> {
        let more = observed.lines.iter().filter(|(what, _)| self.value(what).is_none());
        self.lines
            .iter()
            .chain(more)
            .map(|(what, _)| (what, self.value(what), observed.value(what)))
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
            Ok((what.to_owned(), value.to_owned()))
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Self { lines: lines.map(line).collect::<Result<_, String>>()? })
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(what, value)| writeln!(f, "{what} = {value}"))
    }
}

impl<'de> Deserialize<'de> for Observation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let error = |line: String| de::Error::custom(format!("`{line}` is not `what = value`"));
        Self::from_text(&text).map_err(error)
    }
}
