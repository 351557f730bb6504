//! Which of all trials a run was about.
//!
//! A run of a few trials must not be mistaken for one of all, nor shards of different tables be merged.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http2::message::checksum;
use crate::outcome::trial::TrialName;

/// Which of all trials a run was about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// How many trials there are.
    pub(crate) all: usize,
    /// How many of them the run was to run.
    pub(crate) chosen: usize,
    /// A checksum over the names of all: equal for runs of the same peers and tables.
    pub(crate) names: String,
    /// Which part of all this is, if the run was divided.
    pub(crate) shard: Option<Shard>,
}

impl Selection {
    /// `chosen` of the trials called `names`.
    pub(crate) fn of(names: &[TrialName], chosen: usize, shard: Option<Shard>) -> Self {
        let mut all: Vec<_> = names.iter().map(TrialName::to_string).collect();
        all.sort_unstable();
        let names = format!("{:016x}", checksum(all.join("\n").as_bytes()));
        Self { all: all.len(), chosen, names, shard }
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.chosen == self.all
    }
}

/// One of several parts that all trials are divided into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shard {
    /// From 1 on.
    pub(crate) index: u64,
    pub(crate) count: u64,
}

impl Shard {
    /// Whether a trial is in this part. Judged by its name alone, so that it stays in the same part
    /// when others are added.
    pub(crate) fn has(self, trial: &str) -> bool {
        checksum(trial.as_bytes()) % self.count == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            Some(Self { index: index.parse().ok()?, count: count.parse().ok()? })
        });
        numbers
            .filter(|shard| (1..=shard.count).contains(&shard.index))
            .ok_or_else(|| "a shard is K/N with K from 1 to N, such as 1/4".to_owned())
    }
}
