//! A trial in a record: its verdict, and what a person needs to look into it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capture::trace::Trace;
use crate::outcome::{
    BaselineKind, Evidence, Grade, Line, Mismatch, Observation, TrialName, Verdict, VerdictKind,
};

/// A trial that has ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialRecord {
    /// The path that names it, once in a record: `suite/server/client/case` where two peers meet,
    /// `suite/peer/case` where a peer is compared, and `suite/peer/baseline/case` for the reference,
    /// which is compared with more than one baseline.
    pub(crate) name: String,
    pub(crate) suite: String,
    /// The peer that is the server; `nobody` where none listens, and missing where the server is a
    /// script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    /// The peer that is the client; missing where the client is a script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<String>,
    /// Where the expected outcome comes from.
    pub(crate) baseline: BaselineKind,
    pub(crate) case: String,
    pub(crate) verdict: VerdictKind,
    /// Why it is this verdict; missing for a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Of a known deviation: where more is written about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// What was not as expected, of a failure or a known deviation.
    pub(crate) mismatches: Vec<Mismatch>,
    /// Which peers can do what the case does, in the suites that compare with the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grade: Option<Grade>,
    /// How long it took from when it had the processes and the place that it needs, in milliseconds.
    pub(crate) duration_ms: f64,
    /// What the case is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_command: Option<String>,
    /// The command of the live reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference_command: Option<String>,
    /// The requests to the client or the frames of a script, shortened, a line each.
    pub(crate) sent: Vec<String>,
    /// The expected outcome; any of these where there are several.
    pub(crate) expectation: Vec<Vec<Line>>,
    /// The outcome.
    pub(crate) observation: Vec<Line>,
    /// The files with the output of the processes, those that are not empty.
    pub(crate) logs: Vec<String>,
    /// What went over the wire, of a failure, or of every trial if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<Trace>,
    /// The command that runs this trial alone.
    pub(crate) run_again: String,
}

impl TrialRecord {
    /// What the names of all trials of the same peers begin with: the name without the case.
    pub(crate) fn group(&self) -> &str {
        let group = self.name.strip_suffix(&self.case);
        group.and_then(|group| group.strip_suffix('/')).unwrap_or(&self.name)
    }

    /// Why the trial has its verdict, in one line.
    pub(crate) fn in_short(&self) -> String {
        let first = self.mismatches.first().map(|mismatch| {
            let Mismatch { what, expected, observed, .. } = mismatch;
            format!("{what} = {observed} instead of {expected}")
        });
        let why = || self.why.as_deref().unwrap_or_default().to_owned();
        let text = first.unwrap_or_else(why);
        text.lines().next().unwrap_or_default().to_owned()
    }

    pub(crate) fn new(
        trial: &TrialName,
        verdict: Verdict,
        evidence: Evidence,
        duration_ms: f64,
        run_again: String,
    ) -> Self {
        let logs = evidence.full_logs().map(|log| log.display().to_string()).collect();
        Self {
            name: trial.to_string(),
            suite: trial.suite.to_owned(),
            server: trial.server.clone(),
            client: trial.client.clone(),
            baseline: trial.baseline,
            case: trial.case.clone(),
            verdict: verdict.kind,
            why: verdict.why,
            link: verdict.link,
            mismatches: verdict.mismatches,
            grade: evidence.grade,
            duration_ms,
            about: evidence.about,
            server_command: evidence.server_command,
            client_command: evidence.client_command,
            reference_command: evidence.reference_command,
            sent: evidence.sent,
            expectation: evidence.expected.into_iter().map(Observation::lines).collect(),
            observation: evidence.observed.map(Observation::lines).unwrap_or_default(),
            logs,
            trace: evidence.trace,
            run_again,
        }
    }
}
