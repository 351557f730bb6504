//! Which traces are kept, and where a person finds them.
//!
//! Beside the logs, so that one folder is all that has to be looked through, or uploaded.

use std::path::PathBuf;

use crate::capture::dissection::trace::Trace;
use crate::outcome::finding::Evidence;
use crate::outcome::trial::TrialName;
use crate::outcome::verdict::Verdict;

/// See the module.
#[derive(Debug)]
pub(crate) struct Archive {
    /// Where logs go.
    pub(crate) logs: PathBuf,
    /// Whether the traces of trials that did not fail are kept too.
    pub(crate) all: bool,
}

impl Archive {
    /// Reads the tape of `trial` and writes its trace, if it is kept.
    pub(crate) fn keep(&self, trial: &TrialName, verdict: &Verdict, evidence: &mut Evidence) {
        let Some(tape) = evidence.tape.take() else { return };
        if !self.all && !matches!(verdict, Verdict::Failed { .. } | Verdict::SetUpError { .. }) {
            return;
        }
        let trace = Trace::of(&tape);
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
