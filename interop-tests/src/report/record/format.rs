//! The format of records: the types from which `record.schema.json` is made.
//!
//! A record must be understood by itself, also by another program and long after its run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http2::body::checksum;
use crate::outcome::{TrialName, VerdictKind};
use crate::report::record::participant::{Participant, Role};
use crate::report::record::trial::TrialRecord;

/// What `format` says in every record.
pub(crate) const FORMAT: &str = "calculator-interop-record";

/// The version of the format: another one whenever a program that reads this one could go wrong.
pub(crate) const VERSION: u32 = 2;

/// The file with the JSON Schema of records, below `interop-tests`. The repository contains it, so that a
/// change of the format shows as a change of a file.
pub const SCHEMA_FILE: &str = "record.schema.json";

/// The JSON Schema of records, made from the types.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Record);
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text + "\n"
}

/// A run of the interop tool.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// What distinguishes a record from other files.
    #[schemars(extend("const" = FORMAT))]
    pub(crate) format: String,
    /// The version of the format that the record was written in.
    #[schemars(extend("const" = VERSION))]
    pub(crate) version: u32,
    pub(crate) state: State,
    /// When the run began: UTC, as RFC 3339 says.
    pub(crate) began: String,
    /// How long it took, in milliseconds; of merged records the longest.
    pub(crate) duration_ms: f64,
    /// The arguments of the tool.
    pub(crate) arguments: Vec<String>,
    pub(crate) machine: Machine,
    /// All peers, whether or not a trial had any of them.
    pub(crate) peers: Vec<Participant>,
    /// What the reference was made of when the goldens were recorded, a line each; empty without
    /// goldens.
    pub(crate) goldens: Vec<String>,
    pub(crate) selection: Selection,
    /// How often each verdict was given.
    pub(crate) counts: Counts,
    /// Whether peers can replace the reference; empty while the run goes on.
    pub(crate) readiness: Vec<Readiness>,
    /// What else a reader should know, a sentence each.
    pub(crate) notes: Vec<String>,
    /// The trials that have ended, in the order of their names.
    pub(crate) trials: Vec<Arc<TrialRecord>>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
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
pub(crate) struct Machine {
    /// `linux`, `macos`.
    pub(crate) os: String,
    /// `x86_64`, `aarch64`.
    pub(crate) architecture: String,
    /// How many processors the run could use.
    pub(crate) processors: usize,
}

impl Machine {
    pub(crate) fn this(processors: usize) -> Self {
        let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        Self { os: os.to_owned(), architecture: architecture.to_owned(), processors }
    }
}

/// The trials that deviate for one reason.
#[derive(Clone, Debug)]
pub(crate) struct KnownDeviation<'a> {
    pub(crate) reason: &'a str,
    pub(crate) link: Option<&'a str>,
    pub(crate) trials: Vec<&'a TrialRecord>,
}

impl Record {
    /// Whether all trials were chosen and have ended.
    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Finished && self.selection.is_everything()
    }

    /// What a reader has to know before all else, if the run has not ended.
    pub(crate) fn warning(&self) -> Option<String> {
        let how = match self.state {
            State::Finished => return None,
            State::Running => "goes on, or was killed",
            State::Interrupted => "was stopped",
        };
        let (ended, chosen) = (self.trials.len(), self.selection.chosen);
        Some(format!("the run {how} when {ended} of {chosen} trials had ended"))
    }

    /// Whether the run has come to its end and nothing failed.
    pub(crate) fn is_clean(&self) -> bool {
        self.state == State::Finished && self.counts.failures() == 0
    }

    /// The trials that have ended.
    pub(crate) fn trials(&self) -> impl Iterator<Item = &TrialRecord> {
        self.trials.iter().map(|trial| &**trial)
    }

    /// The known deviations by their reasons and links, those with the most trials first.
    pub(crate) fn known_deviations(&self) -> Vec<KnownDeviation<'_>> {
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

    pub(crate) fn failed(&self) -> impl Iterator<Item = &TrialRecord> {
        self.trials().filter(|trial| trial.verdict.is_failure())
    }
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) set_up_errors: usize,
    pub(crate) known_deviations: usize,
    pub(crate) not_supported: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    pub(crate) fn of<'a>(trials: impl IntoIterator<Item = &'a TrialRecord>) -> Self {
        let mut counts = Self::default();
        trials.into_iter().for_each(|trial| counts.add(trial.verdict));
        counts
    }

    pub(crate) fn add(&mut self, verdict: VerdictKind) {
        *self.of_kind(verdict) += 1;
    }

    /// How often `verdict` was given.
    pub(crate) fn number(mut self, verdict: VerdictKind) -> usize {
        *self.of_kind(verdict)
    }

    fn of_kind(&mut self, verdict: VerdictKind) -> &mut usize {
        match verdict {
            VerdictKind::Passed => &mut self.passed,
            VerdictKind::Failed => &mut self.failed,
            VerdictKind::SetUpError => &mut self.set_up_errors,
            VerdictKind::KnownDeviation => &mut self.known_deviations,
            VerdictKind::NotSupported => &mut self.not_supported,
            VerdictKind::Skipped => &mut self.skipped,
        }
    }

    /// How many trials make a run fail.
    pub(crate) fn failures(self) -> usize {
        self.failed + self.set_up_errors
    }

    /// Each count with its name; those that are zero are left out, unless they always matter.
    pub(crate) fn parts(self) -> Vec<String> {
        use VerdictKind::{Failed, KnownDeviation, NotSupported, Passed, SetUpError, Skipped};
        [Passed, Failed, SetUpError, KnownDeviation, NotSupported, Skipped]
            .into_iter()
            .map(|verdict| (verdict, self.number(verdict)))
            .filter(|(verdict, number)| *number > 0 || [Passed, Failed].contains(verdict))
            .map(|(verdict, number)| format!("{number} {}", verdict.plural(number)))
            .collect()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().join(", "))
    }
}

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

/// Whether a peer can take the place of the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Readiness {
    /// The peer that is to replace the other.
    pub(crate) peer: String,
    pub(crate) role: Role,
    /// The peer that is to be replaced.
    pub(crate) reference: String,
    pub(crate) answer: Answer,
}

/// Whether it can be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is", deny_unknown_fields)]
pub(crate) enum Answer {
    /// Nothing failed.
    Ready {
        /// How many recorded deviations there are.
        deviations: usize,
        /// How many of those a legal peer, proxy or load balancer can meet.
        client_visible: usize,
    },
    NotReady {
        /// How many trials say so.
        trials: usize,
        /// The worst of them.
        worst: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing says that it cannot, and not everything was run that could.
    NotJudged { why: String },
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { deviations: 0, .. } => f.write_str("ready"),
            Self::Ready { deviations, client_visible } => {
                let plural = if *deviations == 1 { "" } else { "s" };
                let visible = match client_visible {
                    0 => "none".to_owned(),
                    some => some.to_string(),
                };
                write!(
                    f,
                    "ready with {deviations} recorded deviation{plural} ({visible} client-visible)"
                )
            }
            Self::NotReady { trials, worst, why } => {
                let trials =
                    if *trials == 1 { "1 trial".to_owned() } else { format!("{trials} trials") };
                write!(f, "not ready because of {trials}, the worst {worst}: {why}")
            }
            Self::NotJudged { why } => write!(f, "not judged: {why}"),
        }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, role, reference, answer } = self;
        write!(f, "the {peer} {role} in place of the {reference} {role}: {answer}")
    }
}

/// Everything that was assessed, in one line.
pub(crate) fn readiness_line(readiness: &[Readiness]) -> String {
    if readiness.is_empty() {
        return "no peer is compared with a reference, so no replacement is judged".to_owned();
    }
    readiness.iter().map(Readiness::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_schema_file_is_made_from_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA_FILE);
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(written, schema(), "run `make record-schema`");
    }
}
