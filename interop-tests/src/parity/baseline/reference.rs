//! Peers at which cases are run, and the live reference: the one whose outcomes are expected of the others.
//!
//! Each case is run once at the reference, however many peers are compared with it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::capture::recorder::Recorder;
use crate::config::Peer;
use crate::outcome::finding::nearest;
use crate::outcome::{Finding, Grade, Mismatch, Observation, PortUser};
use crate::process::{Exit, Logs, Process, RunContext};

/// What one run of a case at a peer has shown.
#[derive(Debug)]
pub(crate) struct CaseRun {
    /// Everything that was observed.
    pub(crate) observed: Observation,
    /// The same with `(any)` for texts that are not compared, as goldens and deviations have it.
    pub(crate) masked: Observation,
    /// The requests and frames that the peer got, shortened.
    pub(crate) sent: Vec<String>,
    /// When the case had all that it needs.
    pub(crate) began: Instant,
}

/// How cases are run at a peer.
pub(crate) trait Subject: fmt::Debug + Send + Sync + 'static {
    type Case: Case;

    /// Its part in the queue for the tutorial's port, if it needs the port.
    const PORT_USER: Option<PortUser> = None;

    /// Makes the peer ready; the finding says why no case can be run at it.
    fn prepare(&self, _context: &RunContext) -> Result<(), Finding> {
        Ok(())
    }

    /// Runs `case`; the recorder gets what goes over the wire.
    fn run(
        &self,
        case: &Arc<Self::Case>,
        context: &RunContext,
        recorder: &Recorder,
    ) -> Result<CaseRun, Finding>;

    /// How the peer has ended, if it has: then a mismatch says nothing.
    fn has_ended(&self) -> Option<Finding> {
        None
    }

    /// The command that starts the peer.
    fn command(&self, context: &RunContext) -> Option<String>;

    /// The files with the output of the peer in `case`.
    fn logs(&self, case: &Self::Case) -> Vec<Logs>;

    /// Whether the user has started the peer.
    fn is_attached(&self) -> bool {
        false
    }
}

/// The outcome of a case, or why there is none.
type Outcome = Result<Observation, Finding>;

/// The peer that is the reference, with its outcomes so far.
#[derive(Debug)]
pub(crate) struct Reference<S> {
    pub(crate) peer: Peer,
    pub(crate) subject: Arc<S>,
    /// The folder of its logs.
    folder: PathBuf,
    versions: OnceLock<Result<Vec<String>, String>>,
    outcomes: Mutex<BTreeMap<String, Arc<OnceLock<Outcome>>>>,
}

impl<S: Subject> Reference<S> {
    pub(crate) fn new(peer: &Peer, subject: S, folder: PathBuf) -> Self {
        let (peer, subject) = (peer.clone(), Arc::new(subject));
        Self { peer, subject, folder, versions: OnceLock::new(), outcomes: Mutex::default() }
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

    /// The versions of its libraries, a line each; the error says why they are unknown.
    pub(crate) fn versions(&self, context: &RunContext) -> Result<Vec<String>, String> {
        self.versions.get_or_init(|| versions(&self.peer, &self.folder, context)).clone()
    }
}

/// The output of the program that prints the versions of `peer`, line by line; the error says why they are
/// unknown. Its log is in `folder`.
///
/// Goldens and records have these lines, so that a change of version explains a difference.
pub(crate) fn versions(
    peer: &Peer,
    folder: &Path,
    context: &RunContext,
) -> Result<Vec<String>, String> {
    const LIMIT: Duration = Duration::from_secs(20);
    let program = peer.versions.as_ref().ok_or("its peer has no `versions`")?;
    let command_line = program
        .command_line(&context.places, "")
        .map_err(|error| format!("the program that prints the versions: {error}"))?;
    let mut process = Process::start(&command_line, Logs::at(&folder.join("versions")))
        .map_err(|error| format!("{command_line} cannot be run: {error}"))?;
    let mut stdout = String::new();
    match process.wait(LIMIT, &mut stdout) {
        Some(Exit::Status(0)) => Ok(stdout.lines().map(str::to_owned).collect()),
        Some(exit) => Err(format!("{command_line} ended with {exit}")),
        None => Err(format!("{command_line} did not end after {LIMIT:?}")),
    }
}

/// A case of a suite that compares.
pub(crate) trait Case: fmt::Debug + Send + Sync + 'static {
    fn name(&self) -> &str;

    /// What the reference has also been observed to do, if it is not stable.
    fn also(&self) -> &[Observation];

    /// What the case is about, for a failure.
    fn description(&self) -> String;

    /// Which peers can do what the case does.
    fn grade(&self) -> Grade;

    /// Where `observation` contradicts what the table states, whatever the reference does.
    fn contradictions(&self, _observation: &Observation) -> Vec<Mismatch> {
        Vec::new()
    }

    /// Whether the table states anything.
    fn has_expectation(&self) -> bool {
        false
    }

    /// Compares `observed` with the nearest of the `expected` outcomes, and with what the table states.
    fn compare(&self, expected: &[Observation], observed: &Observation) -> Vec<Mismatch> {
        let mut mismatches = nearest(expected, observed);
        mismatches.extend(self.contradictions(observed));
        mismatches
    }
}
