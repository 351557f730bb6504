//! A case that is compared, whichever side of a connection it plays: a probe or a behaviour.

use std::fmt;

use crate::outcome::finding::nearest;
use crate::outcome::{Grade, Mismatch, Observation};

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
