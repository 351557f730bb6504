//! What a table states of a behaviour, whatever the reference does.
//!
//! It is for behaviours with a specification: there the reference is judged like any other peer.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::outcome::finding::Mismatch;
use crate::outcome::observation::Observation;

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
        let contradictions = self.0.iter().flat_map(|(what, demand)| {
            let mut values = observation.values(what);
            if what == STATUS && values.is_empty() && observation.values("end") == ["status 0"] {
                values.push("OK");
            }
            if values.is_empty() {
                values.push("(none)");
            }
            let wrong = values.into_iter().filter(|value| !demand.is_met(value));
            wrong.map(move |value| Mismatch::new(&format!("stated {what}"), demand.shown(), value))
        });
        contradictions.collect()
    }
}

impl Demand {
    fn is_met(&self, value: &str) -> bool {
        match self {
            Self::Is(right) => value == right,
            Self::IsNot { not } => value != not && value != "(none)",
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Is(right) => right.clone(),
            Self::IsNot { not } => format!("not {not}"),
        }
    }
}
