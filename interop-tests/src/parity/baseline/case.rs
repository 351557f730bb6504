//! A case that is compared, whichever side of a connection it plays: a probe or a behaviour.
//!
//! Names are checked across all files of a suite, because a name picks a case whatever file it is in.

use std::collections::BTreeSet;
use std::fmt;

use toml::Spanned;

use crate::config::source::{ConfigError, Source};
use crate::outcome::finding::Mismatch;
use crate::outcome::grade::Grade;
use crate::outcome::observation::{Observation, nearest};

/// A case of a suite that compares.
pub(crate) trait Case: fmt::Debug + Send + Sync + 'static {
    fn name(&self) -> &str;

    /// What the reference has also been observed to do, if it is not stable.
    fn also(&self) -> &[Observation];

    /// What the case is about, for a failure.
    fn description(&self) -> String;

    /// Which peers can do what the case does.
    fn grade(&self) -> Grade;

    /// Where `observation` contradicts what the table states, whatever the reference does.
    fn contradictions(&self, _observation: &Observation) -> Vec<Mismatch> {
        Vec::new()
    }

    /// Whether the table states anything.
    fn has_expectation(&self) -> bool {
        false
    }

    /// Compares `observed` with the nearest of the `expected` outcomes, and with what the table states.
    fn compare(&self, expected: &[Observation], observed: &Observation) -> Vec<Mismatch> {
        let mut mismatches = nearest(expected, observed);
        mismatches.extend(self.contradictions(observed));
        mismatches
    }
}

/// Checks a name by itself.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['/', '*', ' ', '[', ']']) {
        return Err("a name is a part of a path: not empty, no `/`, `*` or space".to_owned());
    }
    Ok(())
}

/// Adds the names of the cases in `source` to `names`; each case comes with the result of its check.
pub(crate) fn add_names<'a>(
    kind: &str,
    cases: impl IntoIterator<Item = (&'a Spanned<String>, Result<(), String>)>,
    source: &Source,
    names: &mut BTreeSet<String>,
) -> Result<(), ConfigError> {
    for (spanned, checked) in cases {
        let name = spanned.get_ref();
        let wrong = |message: String| Err(source.error(Some(spanned.span()), message));
        if let Err(message) = checked {
            return wrong(format!("{kind} `{name}`: {message}"));
        }
        if !names.insert(name.clone()) {
            return wrong(format!("there already is a {kind} `{name}`"));
        }
    }
    Ok(())
}
