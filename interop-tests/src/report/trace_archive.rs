//! Keeps the traces of trials.
//!
//! In the folder of the logs, so that everything about a trial is in one place.

use std::path::PathBuf;

use crate::outcome::evidence::Evidence;
use crate::outcome::trial::TrialName;
use crate::outcome::verdict::Verdict;

/// Writes the traces that are kept.
#[derive(Debug)]
pub(crate) struct Archive {
    /// The folder of the logs.
    pub(crate) logs: PathBuf,
    /// Whether the traces of trials that did not fail are kept, too.
    pub(crate) all: bool,
}

impl Archive {
    /// Builds the trace of `trial` from its recording and writes it, if it is to be kept.
    pub(crate) fn keep(&self, trial: &TrialName, verdict: &Verdict, evidence: &mut Evidence) {
        let Some(recorder) = evidence.recorder.take() else { return };
        if !self.all && !verdict.kind.is_failure() {
            return;
        }
        let trace = recorder.take();
        let folder = self.logs.join(trial.to_string());
        let file = folder.join("wire.txt");
        let text = format!("What went over the wire in {trial}\n\n{trace}");
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, text));
        evidence.wire = Some(match written {
            Ok(()) => file.display().to_string(),
            Err(error) => format!("{} cannot be written: {error}", file.display()),
        });
        evidence.trace = Some(trace);
    }
}
