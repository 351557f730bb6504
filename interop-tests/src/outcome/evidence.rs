//! The evidence of a case: everything needed to investigate it, and the text of a failure.
//!
//! The reader of a failure may have only the log of a CI system. So its text is complete: what was compared, the
//! commands of the peers, the paths of the logs, and the command that runs this case alone.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fmt, fs};

use crate::capture::{recorder::Recorder, trace::Trace};
use crate::outcome::comparison::MethodComparison;
use crate::outcome::finding::{Finding, Observation, ReferenceDrift};
use crate::outcome::verdict::{Grade, Verdict, VerdictKind};

/// The details of a case and of the peers that took part in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// What the case tests.
    pub(crate) about: Option<String>,
    pub(crate) server_command: Option<String>,
    pub(crate) client_command: Option<String>,
    /// The command line of the proxy between client and server.
    pub(crate) proxy_command: Option<String>,
    pub(crate) reference_command: Option<String>,
    /// The requests to the agent or the frames of the script, shortened.
    pub(crate) sent: Vec<String>,
    /// The expected outcome. If there is more than one, each of them is accepted.
    pub(crate) expected: Vec<Observation>,
    /// The observed outcome.
    pub(crate) observed: Option<Observation>,
    /// In a comparison with a reference: the side that was observed, such as `server`.
    pub(crate) observed_of: Option<&'static str>,
    /// In a comparison with a reference: the outcome in the form of the `answers` in `deviations.toml`.
    pub(crate) answer: Option<String>,
    /// If the reference differs from the goldens: how the peer compares with the goldens.
    pub(crate) drift: Option<ReferenceDrift>,
    /// In a comparison with a reference: which peers can cause the case.
    pub(crate) grade: Option<Grade>,
    /// When the case began, after it had got its processes and permits.
    pub(crate) began: Option<Instant>,
    pub(crate) logs: Vec<PathBuf>,
    /// The recording of the connections, until the verdict decides whether it is kept.
    pub(crate) recorder: Option<Recorder>,
    /// The decoded frames, if they are kept.
    pub(crate) trace: Option<Trace>,
    /// The file with the decoded frames, or why it could not be written.
    pub(crate) wire: Option<String>,
    /// How long the case took, if that is not the time since it began.
    pub(crate) duration: Option<Duration>,
    /// In the suite `compare`: the comparison of the method, in the report of one of its trials.
    pub(crate) comparison: Option<Box<MethodComparison>>,
}

impl Evidence {
    /// The logs that are not empty.
    pub(crate) fn full_logs(&self) -> impl Iterator<Item = &PathBuf> {
        let is_full = |log: &&PathBuf| fs::metadata(log).is_ok_and(|metadata| metadata.len() > 0);
        self.logs.iter().filter(is_full)
    }
}

/// A finding and its evidence.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) finding: Finding,
    pub(crate) evidence: Evidence,
}

impl Report {
    /// A report without evidence.
    pub(crate) fn new(finding: Finding) -> Self {
        Self { finding, evidence: Evidence::default() }
    }
}

/// How many mismatches are listed. The others are counted.
const SHOWN: usize = 6;

/// The failure block of `trial`; the command `run_again` reruns it.
pub(crate) fn block(
    trial: impl fmt::Display,
    verdict: &Verdict,
    evidence: &Evidence,
    run_again: &str,
) -> String {
    let why = verdict.why.as_deref().unwrap_or_default();
    let mut lines = vec![match verdict.kind {
        VerdictKind::SetUpError => format!("{trial}: set-up error: {why}"),
        _ => format!("{trial}: {why}"),
    }];
    let mut line = |label: &str, text: &str| {
        let indented = text.replace('\n', "\n             ");
        lines.push(format!("  {label:<10} {indented}"));
    };
    if let Some(about) = &evidence.about {
        line("about", about);
    }
    for mismatch in verdict.mismatches.iter().take(SHOWN) {
        line("expected", &format!("{} = {}", mismatch.what, mismatch.expected));
        line("observed", &format!("{} = {}", mismatch.what, mismatch.observed));
    }
    if let Some(more) = verdict.mismatches.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        line("", &format!("and {more} more"));
    }
    for (label, command) in [
        ("server", &evidence.server_command),
        ("proxy", &evidence.proxy_command),
        ("client", &evidence.client_command),
        ("reference", &evidence.reference_command),
    ] {
        if let Some(command) = command {
            line(label, command);
        }
    }
    for sent in &evidence.sent {
        line("sent", sent);
    }
    if let (Some(who), Some(observed)) = (evidence.observed_of, &evidence.observed) {
        let lines = |observation: &Observation| format!("\n{}", observation.to_string().trim_end());
        for expected in &evidence.expected {
            line("expected", &format!("complete outcome:{}", lines(expected)));
        }
        line("observed", &format!("complete outcome of the {who}:{}", lines(observed)));
    }
    for log in evidence.full_logs() {
        line("log", &log.display().to_string());
    }
    if let Some(wire) = &evidence.wire {
        line("wire", wire);
    }
    line("run again", run_again);
    lines.join("\n")
}
