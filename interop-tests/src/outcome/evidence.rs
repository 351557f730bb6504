//! What a person needs to look into a case, beside what a suite found out about it.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use crate::capture::recorder::Recorder;
use crate::capture::trace::Trace;
use crate::outcome::finding::{Finding, ReferenceDrift};
use crate::outcome::observation::Observation;
use crate::outcome::verdict::Grade;

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
