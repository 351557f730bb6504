//! The block that tells everything about a failure in one place.
//!
//! Whoever reads it may have only a CI log: what was compared, who took part, where the logs are,
//! and the line that runs this case alone.

use crate::outcome::finding::{Evidence, Mismatch};
use crate::outcome::trial::TrialName;

/// The block for `trial`, which failed because of `why` and which the command `run_again` reruns.
pub(crate) fn block(
    trial: &TrialName,
    why: &str,
    mismatches: &[Mismatch],
    evidence: &Evidence,
    run_again: &str,
) -> String {
    const SHOWN: usize = 6;
    let mut lines = vec![format!("{trial}: {why}")];
    let mut line = |label: &str, text: &str| {
        let indented = text.replace('\n', "\n             ");
        lines.push(format!("  {label:<10} {indented}"));
    };
    if let Some(about) = &evidence.about {
        line("about", about);
    }
    for mismatch in mismatches.iter().take(SHOWN) {
        line("expected", &format!("{} = {}", mismatch.what, mismatch.expected));
        line("observed", &format!("{} = {}", mismatch.what, mismatch.observed));
    }
    if let Some(more) = mismatches.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        line("", &format!("and {more} more"));
    }
    if let Some(command) = &evidence.server_command {
        line("server", command);
    }
    if let Some(command) = &evidence.client_command {
        line("client", command);
    }
    if let Some(command) = &evidence.reference_command {
        line("reference", command);
    }
    for sent in &evidence.sent {
        line("sent", sent);
    }
    if let (Some(who), Some(observed)) = (evidence.observed_of, &evidence.observed) {
        let right = evidence.right.iter().map(|right| ("right", right));
        for (who, observation) in right.chain([(who, observed)]) {
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
