//! The format of records: the types from which `record.schema.json` is made.
//!
//! A record must be understood by itself, also by another program and long after its run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::verdict::VerdictKind;
use crate::report::record::counts::Counts;
use crate::report::record::participant::Participant;
use crate::report::record::readiness::Readiness;
use crate::report::record::selection::Selection;
use crate::report::record::trial::TrialRecord;

/// What `format` says in every record.
pub const FORMAT: &str = "calculator-interop-record";

/// The version of the format: another one whenever a program that reads this one could go wrong.
pub const VERSION: u32 = 2;

/// A run of the interop tool.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What distinguishes a record from other files.
    #[schemars(extend("const" = FORMAT))]
    pub format: String,
    /// The version of the format that the record was written in.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    pub state: State,
    /// When the run began: UTC, as RFC 3339 says.
    pub began: String,
    /// How long it took, in milliseconds; of merged records the longest.
    pub duration_ms: f64,
    /// The arguments of the tool.
    pub arguments: Vec<String>,
    pub machine: Machine,
    /// All peers, whether or not a trial had any of them.
    pub peers: Vec<Participant>,
    /// What the reference was made of when the goldens were recorded, a line each; empty without
    /// goldens.
    pub goldens: Vec<String>,
    pub selection: Selection,
    /// How often each verdict was given.
    pub counts: Counts,
    /// Whether peers can replace the reference; empty while the run goes on.
    pub readiness: Vec<Readiness>,
    /// What else a reader should know, a sentence each.
    pub notes: Vec<String>,
    /// The trials that have ended, in the order of their names.
    pub trials: Vec<Arc<TrialRecord>>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It goes on, or was killed: only trials that had ended by then are here.
    Running,
    /// It was stopped by a signal: only trials that had ended by then are here.
    Interrupted,
    /// All chosen trials have ended.
    Finished,
}

/// Where a run took place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// `linux`, `macos`.
    pub os: String,
    /// `x86_64`, `aarch64`.
    pub architecture: String,
    /// How many processors the run could use.
    pub processors: usize,
}

impl Machine {
    pub fn this(processors: usize) -> Self {
        let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        Self { os: os.to_owned(), architecture: architecture.to_owned(), processors }
    }
}

/// The trials that deviate for one reason.
#[derive(Clone, Debug)]
pub struct KnownDeviation<'a> {
    pub reason: &'a str,
    pub link: Option<&'a str>,
    pub trials: Vec<&'a TrialRecord>,
}

impl Record {
    /// Whether all trials were chosen and have ended.
    pub fn is_whole(&self) -> bool {
        self.state == State::Finished && self.selection.is_everything()
    }

    /// What a reader has to know before all else, if the run has not ended.
    pub fn warning(&self) -> Option<String> {
        let how = match self.state {
            State::Finished => return None,
            State::Running => "goes on, or was killed",
            State::Interrupted => "was stopped",
        };
        let (ended, chosen) = (self.trials.len(), self.selection.chosen);
        Some(format!("the run {how} when {ended} of {chosen} trials had ended"))
    }

    /// Whether the run has come to its end and nothing failed.
    pub fn is_clean(&self) -> bool {
        self.state == State::Finished && self.counts.failures() == 0
    }

    /// The trials that have ended.
    pub fn trials(&self) -> impl Iterator<Item = &TrialRecord> {
        self.trials.iter().map(|trial| &**trial)
    }

    /// The known deviations by their reasons and links, those with the most trials first.
    pub fn known_deviations(&self) -> Vec<KnownDeviation<'_>> {
        let mut all: BTreeMap<_, Vec<&TrialRecord>> = BTreeMap::new();
        for trial in self.trials() {
            if trial.verdict == VerdictKind::KnownDeviation {
                let reason = trial.why.as_deref().unwrap_or_default();
                all.entry((reason, trial.link.as_deref())).or_default().push(trial);
            }
        }
        let known = all.into_iter();
        let mut known: Vec<_> =
            known.map(|((reason, link), trials)| KnownDeviation { reason, link, trials }).collect();
        known.sort_by_key(|deviation| Reverse(deviation.trials.len()));
        known
    }

    pub fn failed(&self) -> impl Iterator<Item = &TrialRecord> {
        self.trials().filter(|trial| trial.verdict.is_failure())
    }
}
