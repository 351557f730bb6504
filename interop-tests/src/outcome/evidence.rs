//! The evidence of a case: what a person needs to look into it, and the text of a failure.
//!
//! The reader of a failure may have only the log of a CI system, so its text is complete: what was compared,
//! the peers, where the logs are, and the command that runs this case alone.

use std::path::PathBuf;
use std::time::Instant;
use std::{fmt, fs};

use crate::capture::recorder::Recorder;
use crate::capture::trace::Trace;
use crate::outcome::finding::{Finding, Observation, ReferenceDrift};
use crate::outcome::verdict::{Grade, Verdict, VerdictKind};

/// What is known of a case and of the peers that took part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// What the case is about.
    pub(crate) about: Option<String>,
    pub(crate) server_command: Option<String>,
    pub(crate) client_command: Option<String>,
    pub(crate) reference_command: Option<String>,
    /// The requests to the client or the frames of a script, shortened.
    pub(crate) sent: Vec<String>,
    /// The expected outcome; any of these where there are several.
    pub(crate) expected: Vec<Observation>,
    /// The outcome.
    pub(crate) observed: Option<Observation>,
    /// Which side that was observed of, where peers are compared.
    pub(crate) observed_of: Option<&'static str>,
    /// The outcome as deviations list it, where peers are compared.
    pub(crate) answer: Option<String>,
    /// Where the reference differs from the goldens: how the peer is judged by those.
    pub(crate) drift: Option<ReferenceDrift>,
    /// Which peers can do what the case does, where peers are compared.
    pub(crate) grade: Option<Grade>,
    /// When the case had all that it needs.
    pub(crate) began: Option<Instant>,
    pub(crate) logs: Vec<PathBuf>,
    /// What was recorded of the connections, until it is known whether it is kept.
    pub(crate) recorder: Option<Recorder>,
    /// What went over the wire, if it is kept, and the file in which a person reads it.
    pub(crate) trace: Option<Trace>,
    pub(crate) wire: Option<String>,
}

impl Evidence {
    /// Adds the `expected` outcomes and the one that `who` was `observed` to have.
    pub(crate) fn add_comparison(
        &mut self,
        expected: Vec<Observation>,
        who: &'static str,
        observed: Observation,
    ) {
        self.expected = expected;
        self.observed = Some(observed);
        self.observed_of = Some(who);
    }

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

/// How many mismatches are listed; the rest is counted.
const SHOWN: usize = 6;

/// The text for `trial`, which failed and which the command `run_again` reruns.
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
        let expected = evidence.expected.iter().map(|expected| ("right", expected));
        for (who, observation) in expected.chain([(who, observed)]) {
            line("seen", &format!("{who}:\n{}", observation.to_string().trim_end()));
        }
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
