//! The text of a failure, complete in one place.
//!
//! Its reader may have only the log of a CI system: it has what was compared, the peers, where the logs
//! are, and the command that runs this case alone.

use crate::outcome::evidence::Evidence;
use crate::outcome::trial::TrialName;
use crate::outcome::verdict::{Verdict, VerdictKind};

/// How many mismatches are listed; the rest is counted.
const SHOWN: usize = 6;

/// The text for `trial`, which failed and which the command `run_again` reruns.
pub(crate) fn block(
    trial: &TrialName,
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
