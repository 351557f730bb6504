//! The live reference: the peer whose outcomes are expected of all others.
//!
//! Each case is run once at it, however many peers are compared with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;
use crate::parity::baseline::case::Case;
use crate::parity::baseline::subject::Subject;
use crate::parity::baseline::versions::Versions;
use crate::process::context::RunContext;

/// The outcome of a case, or why there is none.
type Outcome = Result<Observation, Finding>;

/// The peer that is the reference, with its outcomes so far.
#[derive(Debug)]
pub(crate) struct Reference<S> {
    name: String,
    subject: Arc<S>,
    versions: Versions,
    outcomes: Mutex<BTreeMap<String, Arc<OnceLock<Outcome>>>>,
}

impl<S: Subject> Reference<S> {
    /// The reference that `peer` is; its versions are logged in `folder`.
    pub(crate) fn new(peer: &Peer, subject: S, folder: &Path) -> Self {
        Self {
            name: peer.name().to_owned(),
            subject: Arc::new(subject),
            versions: Versions::of(peer, folder),
            outcomes: Mutex::default(),
        }
    }

    /// The name of the peer.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn subject(&self) -> &Arc<S> {
        &self.subject
    }

    /// The outcome of `case`, which is run if it has not been yet.
    pub(crate) fn outcome(&self, case: &Arc<S::Case>, context: &RunContext) -> Outcome {
        let outcome = Arc::clone(self.outcomes.lock().entry(case.name().to_owned()).or_default());
        outcome.get_or_init(|| self.run(case, context)).clone()
    }

    /// Runs `case`, even if it has been run before.
    pub(crate) fn run(&self, case: &Arc<S::Case>, context: &RunContext) -> Outcome {
        let run = self.subject.run(case, context, &Recorder::default());
        run.map(|run| run.masked).map_err(|finding| match finding {
            Finding::Hung(why) => Finding::ReferenceHung(format!("the reference: {why}")),
            Finding::Broken(why) | Finding::SetUpError(why) | Finding::NotSupported(why) => {
                Finding::SetUpError(format!("the reference: {why}"))
            }
            other => other,
        })
    }

    /// What it is made of, a line each; the error says why that is unknown.
    pub(crate) fn versions(&self, context: &RunContext) -> Result<Vec<String>, String> {
        self.versions.lines(context)
    }
}
