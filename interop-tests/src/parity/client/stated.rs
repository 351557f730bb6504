//! What a table states of a behaviour, whatever the reference does.
//!
//! It is for behaviours with a specification: there the reference is judged like any other peer.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::outcome::finding::{Mismatch, Observation};

/// What is stated of lines of the observation, by their names; the key `expect`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Stated(BTreeMap<String, Demand>);

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Demand {
    Is(String),
    IsNot { not: String },
}

/// The line that a program which succeeds does not have.
const STATUS: &str = "status";

impl Stated {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a line of `observation` is missing or differs from the stated one, in any of the calls.
    pub(crate) fn contradictions(&self, observation: &Observation) -> Vec<Mismatch> {
        const NONE: &str = "(none)";
        let mut contradictions = Vec::new();
        for (what, demand) in &self.0 {
            let mut values = observation.values(what);
            if values.is_empty() {
                let succeeds = what == STATUS && observation.values("end") == ["status 0"];
                values.push(if succeeds { "OK" } else { NONE });
            }
            for value in values {
                let (is_met, expected) = match demand {
                    Demand::Is(right) => (value == right, right.clone()),
                    Demand::IsNot { not } => (value != not && value != NONE, format!("not {not}")),
                };
                if !is_met {
                    contradictions.push(Mismatch::new(&format!("stated {what}"), expected, value));
                }
            }
        }
        contradictions
    }
}
