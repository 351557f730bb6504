//! The format of records: the types from which `record.schema.json` is generated.
//!
//! A record must contain everything needed to understand it, including by other programs and long after the run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare;
use crate::http2::body::checksum;
use crate::outcome::{MethodComparison, TrialName, VerdictKind};
use crate::report::record::participant::{Participant, Role};
use crate::report::record::trial::TrialRecord;

/// The value of `format` in every record.
pub(crate) const FORMAT: &str = "calculator-interop-record";

/// The version of the format. It changes if a program that reads the old version would misread the new one.
pub(crate) const VERSION: u32 = 2;

/// The file with the JSON Schema of records, in the folder `interop-tests`. It is in the repository, so that a
/// change of the format is visible in reviews.
pub const SCHEMA_FILE: &str = "record.schema.json";

/// The JSON Schema of records, generated from the types.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Record);
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text + "\n"
}

/// The record of a run of the interop tool.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// Identifies the file as a record.
    #[schemars(extend("const" = FORMAT))]
    pub(crate) format: String,
    /// The version of the format.
    #[schemars(extend("const" = VERSION))]
    pub(crate) version: u32,
    pub(crate) state: State,
    /// When the run began, in UTC, in the format of RFC 3339.
    pub(crate) began: String,
    /// The duration of the run in milliseconds. For merged records, the longest duration of a shard.
    pub(crate) duration_ms: f64,
    /// The command-line arguments of the tool.
    pub(crate) arguments: Vec<String>,
    pub(crate) machine: Machine,
    /// All peers, including those without a trial.
    pub(crate) peers: Vec<Participant>,
    /// The versions of the reference from which the goldens were recorded, one per line; empty without goldens.
    pub(crate) goldens: Vec<String>,
    pub(crate) selection: Selection,
    /// The number of trials with each verdict.
    pub(crate) counts: Counts,
    /// Whether each peer is ready to replace the reference; empty until the run has ended.
    pub(crate) readiness: Vec<Readiness>,
    /// In the suite `compare`: how each method of each peer compares with the reference, sorted by peer and method.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) methods: Vec<MethodComparison>,
    /// What makes the run fail besides trials, one sentence each: untested methods and unused `[[ignore]]` entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<String>,
    /// Notes for the reader, one sentence each.
    pub(crate) notes: Vec<String>,
    /// The trials that have ended, sorted by name.
    pub(crate) trials: Vec<Arc<TrialRecord>>,
}

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// The run is in progress, or was cut off. The record contains the trials that had ended.
    Running,
    /// The run was cut off: its process was killed. A file in this state was merged from such records.
    CutOff,
    /// A signal stopped the run. The record contains the trials that had ended.
    Interrupted,
    /// All selected trials have ended.
    Finished,
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    /// The operating system, such as `linux` or `macos`.
    pub(crate) os: String,
    /// The processor architecture, such as `x86_64` or `aarch64`.
    pub(crate) architecture: String,
    /// The number of processors that the run could use.
    pub(crate) processors: usize,
}

impl Machine {
    pub(crate) fn this(processors: usize) -> Self {
        let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        Self { os: os.to_owned(), architecture: architecture.to_owned(), processors }
    }
}

/// All trials with the same known deviation.
#[derive(Clone, Debug)]
pub(crate) struct KnownDeviation<'a> {
    pub(crate) reason: &'a str,
    pub(crate) link: Option<&'a str>,
    pub(crate) trials: Vec<&'a TrialRecord>,
}

impl Record {
    /// Whether all trials were selected and have ended.
    pub(crate) fn is_whole(&self) -> bool {
        self.state == State::Finished && self.selection.is_everything()
    }

    /// A warning if the run is incomplete.
    pub(crate) fn warning(&self) -> Option<String> {
        let how = match self.state {
            State::Finished => return None,
            State::Running => "is still running, or was killed,",
            State::CutOff => "was cut off (its process was killed)",
            State::Interrupted => "was stopped",
        };
        let (ended, chosen) = (self.trials.len(), self.selection.chosen);
        Some(format!("the run {how} when {ended} of {chosen} trials had ended"))
    }

    /// Whether the run has finished and nothing failed.
    pub(crate) fn is_clean(&self) -> bool {
        self.state == State::Finished && self.counts.failures() == 0 && self.problems.is_empty()
    }

    /// Whether the run consists of comparisons of services, and none of them could begin.
    pub(crate) fn compared_nothing(&self) -> bool {
        let could_not_begin =
            |it: &TrialRecord| it.suite == compare::SUITE && it.verdict == VerdictKind::SetUpError;
        !self.trials.is_empty() && self.trials().all(could_not_begin)
    }

    /// The trials that have ended.
    pub(crate) fn trials(&self) -> impl Iterator<Item = &TrialRecord> {
        self.trials.iter().map(|trial| &**trial)
    }

    /// The known deviations, grouped by reason and link, sorted by the number of trials in descending order.
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

/// The number of trials with each verdict.
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

    /// The number of trials with this `verdict`.
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

    /// The number of trials that make the run fail.
    pub(crate) fn failures(self) -> usize {
        self.failed + self.set_up_errors
    }

    /// Each count with its name, without counts of zero except for `passed` and `failed`.
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

/// The selection of trials in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// The number of all trials.
    pub(crate) all: usize,
    /// The number of selected trials.
    pub(crate) chosen: usize,
    /// A checksum of the names of all trials. It is equal for runs with the same peers and cases.
    pub(crate) names: String,
    /// The shard, if the trials were divided with `--shard`.
    pub(crate) shard: Option<Shard>,
}

impl Selection {
    /// The selection of `chosen` trials out of those with these `names`.
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

/// One of the parts into which all trials are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shard {
    /// The number of this part, starting at 1.
    pub(crate) index: u64,
    /// The number of parts.
    pub(crate) count: u64,
}

impl Shard {
    /// Whether there can be a part with this number.
    pub(crate) fn exists(self) -> bool {
        (1..=self.count).contains(&self.index)
    }

    /// Whether `trial` is in this part. This depends only on the name, so a trial stays in its part when others
    /// are added.
    /// The trials of a method in the suite `compare` are in the same part, because they have one comparison.
    pub(crate) fn has(self, trial: &str) -> bool {
        let is_of_method = trial.split('/').next() == Some(compare::SUITE);
        let key =
            trial.rsplit_once('/').filter(|_| is_of_method).map_or(trial, |(method, _)| method);
        checksum(key.as_bytes()) % self.count == self.index - 1
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
        numbers.filter(|shard| shard.exists()).ok_or_else(|| {
            "a shard must have the form K/N with 1 <= K <= N, such as 1/4".to_owned()
        })
    }
}

/// Whether a peer is ready to replace the reference in one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Readiness {
    /// The peer that would replace the reference.
    pub(crate) peer: String,
    pub(crate) role: Role,
    /// The peer that is the reference.
    pub(crate) reference: String,
    pub(crate) answer: Answer,
}

/// The result of the assessment of a peer in one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is", deny_unknown_fields)]
pub(crate) enum Answer {
    /// No trial failed.
    Ready {
        /// The number of trials with a known deviation.
        deviations: usize,
        /// How many of these a conforming peer, proxy or load balancer can cause.
        client_visible: usize,
    },
    /// A trial failed or is not supported.
    NotReady {
        /// The number of such trials.
        trials: usize,
        /// The name of the most severe one.
        worst: String,
        /// Why that trial failed or is not supported.
        why: String,
    },
    /// No trial failed, but not all trials ran.
    NotJudged {
        /// Why not all trials ran.
        why: String,
    },
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { deviations: 0, .. } => f.write_str("ready"),
            Self::Ready { deviations, client_visible } => {
                let s = if *deviations == 1 { "" } else { "s" };
                let visible = match client_visible {
                    0 => "none".to_owned(),
                    some => some.to_string(),
                };
                write!(f, "ready with {deviations} known deviation{s} ({visible} client-visible)")
            }
            Self::NotReady { trials, worst, why } => {
                f.write_str("not ready: ")?;
                match trials {
                    1 => f.write_str("1 trial failed or is not supported: ")?,
                    _ => write!(f, "{trials} trials failed or are not supported, for example ")?,
                }
                write!(f, "{worst}: {why}")
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

/// All assessments on one line.
pub(crate) fn readiness_line(readiness: &[Readiness]) -> String {
    if readiness.is_empty() {
        return "no peer was compared with a reference, so no replacement is assessed".to_owned();
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
