//! A trial in a record: its verdict, and the details needed to investigate it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capture::trace::Trace;
use crate::outcome::{
    BaselineKind, Evidence, Grade, Line, Mismatch, Observation, TrialName, Verdict, VerdictKind,
};

/// The record of a trial that has ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrialRecord {
    /// The name, which is unique in a record: `suite/server/client/case` for two peers, `suite/peer/case` for a
    /// peer that is compared with a baseline, `suite/peer/method/case` for a method of a service, and `suite/peer/baseline/case` for the reference, which is compared
    /// with two baselines.
    pub(crate) name: String,
    /// The name of the suite, such as `calls`, or `calls-via-PROXY`.
    pub(crate) suite: String,
    /// The name of the proxy between client and server, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) via: Option<String>,
    /// The peer that is the server. `nobody` if there is no server; missing if the tool is the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    /// The peer that is the client; missing if the tool is the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<String>,
    /// Where the expected outcome comes from.
    pub(crate) baseline: BaselineKind,
    /// In the suite `compare`: the method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// The name of the case.
    pub(crate) case: String,
    /// The verdict.
    pub(crate) verdict: VerdictKind,
    /// The reason of the verdict; missing for a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Of a known deviation: the link of its entry in `deviations.toml`, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    /// Of a failure or a known deviation: the differences.
    pub(crate) mismatches: Vec<Mismatch>,
    /// In the parity suites: which peers can cause the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grade: Option<Grade>,
    /// The duration in milliseconds, without the time that it waited for processes and permits.
    pub(crate) duration_ms: f64,
    /// What the case tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
    /// The command line of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_command: Option<String>,
    /// The command line of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_command: Option<String>,
    /// The command line of the proxy between client and server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) proxy_command: Option<String>,
    /// The command line of the live reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference_command: Option<String>,
    /// The requests to the agent or the frames of the script, shortened, one per line.
    pub(crate) sent: Vec<String>,
    /// The expected outcome. If there is more than one, each of them is accepted.
    pub(crate) expectation: Vec<Vec<Line>>,
    /// The observed outcome.
    pub(crate) observation: Vec<Line>,
    /// The log files of the processes, without empty ones.
    pub(crate) logs: Vec<String>,
    /// The decoded frames of a failed trial, or with `--trace` of every trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<Trace>,
    /// The command that reruns only this trial.
    pub(crate) run_again: String,
}

impl TrialRecord {
    /// The proxy that makes the differences of this trial, whatever the server.
    pub(crate) fn changed_by(&self) -> Option<&str> {
        let is_of_proxy = self.verdict == VerdictKind::KnownDeviation && self.link.is_none();
        self.via.as_deref().filter(|_| is_of_proxy)
    }

    /// The name without the case: the common prefix of all trials of the same peers.
    pub(crate) fn group(&self) -> &str {
        let group = self.name.strip_suffix(&self.case);
        group.and_then(|group| group.strip_suffix('/')).unwrap_or(&self.name)
    }

    /// The reason of the verdict in one line.
    pub(crate) fn in_short(&self) -> String {
        let first = self.mismatches.first().map(|mismatch| {
            let Mismatch { what, expected, observed, .. } = mismatch;
            format!("{what} = {observed} instead of {expected}")
        });
        let why = || self.why.as_deref().unwrap_or_default().to_owned();
        let text = first.unwrap_or_else(why);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        // Then it announces the output of a program, whose end says most.
        let last = lines.next_back().filter(|_| first.ends_with(':'));
        last.map_or_else(|| first.to_owned(), |last| format!("{first} {last}"))
    }

    /// The record of `trial`.
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
            suite: trial.first_part(),
            via: trial.via.clone(),
            server: trial.server.clone(),
            client: trial.client.clone(),
            baseline: trial.baseline,
            method: trial.method.clone(),
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
            proxy_command: evidence.proxy_command,
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
