//! What a table states of a behaviour, whatever the reference makes of it.
//!
//! For behaviours that somebody else has specified: there the reference is judged like any other, and
//! not only what all are compared with.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::outcome::finding::Mismatch;
use crate::outcome::observation::Observation;

/// What is stated of lines of the observation, by their names; the key `expect`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Stated(BTreeMap<String, Demand>);

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Demand {
    Is(String),
    IsNot(Not),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Not {
    not: String,
}

/// The line that a program which succeeds does not have.
const STATUS: &str = "status";

impl Stated {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where `observation` has another line than is stated, or none; each call has to have it.
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
            Self::IsNot(Not { not }) => value != not && value != "(none)",
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Is(right) => right.clone(),
            Self::IsNot(Not { not }) => format!("not {not}"),
        }
    }
}
