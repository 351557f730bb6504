//! The expected and the observed outcome of calls, side by side.

use crate::outcome::{Mismatch, Observation};

/// Both outcomes as lines for people, and where they differ.
///
/// The lines are there for calls with the expected outcome, too: they show what a case tests.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) expected: Observation,
    pub(crate) observed: Observation,
    pub(crate) mismatches: Vec<Mismatch>,
}

impl Comparison {
    /// Adds a line to each outcome that has one, and a mismatch if `is_match` is false.
    pub(crate) fn add(
        &mut self,
        what: &str,
        expected: Option<String>,
        observed: Option<String>,
        is_match: bool,
    ) {
        if !is_match {
            let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
            self.mismatches.push(Mismatch::new(what, or_none(&expected), or_none(&observed)));
        }
        for (lines, value) in [(&mut self.expected, expected), (&mut self.observed, observed)] {
            if let Some(value) = value {
                lines.add(what, value);
            }
        }
    }

    /// Adds everything in `other`, with `label` before what was compared.
    pub(crate) fn extend(&mut self, label: &str, other: Self) {
        self.expected.extend(label, other.expected);
        self.observed.extend(label, other.observed);
        self.mismatches.extend(other.mismatches.into_iter().map(|it| it.labelled(label)));
    }
}
