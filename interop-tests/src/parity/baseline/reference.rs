//! Cases, the peers at which they run, and the live reference, whose outcomes are expected of the other peers.
//!
//! Each case runs only once at the reference, for all peers that are compared with it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use crate::capture::recorder::Recorder;
use crate::config::Peer;
use crate::outcome::finding::nearest;
use crate::outcome::{Finding, Grade, Mismatch, Need, Observation, PortUser};
use crate::process::{Exit, Logs, Process, RunContext};

/// The result of one run of a case at a peer.
#[derive(Debug)]
pub(crate) struct CaseRun {
    /// The complete outcome.
    pub(crate) observed: Observation,
    /// The outcome with `(any)` in place of texts that are not compared, as in goldens and deviations.
    pub(crate) masked: Observation,
    /// The requests and frames that the peer received, shortened.
    pub(crate) sent: Vec<String>,
    /// How long the case took, after it had got its processes and permits.
    pub(crate) duration: Duration,
}

/// The result of a case run at a peer.
pub(crate) type RunResult = Result<CaseRun, Finding>;

/// A peer at which cases can run.
pub(crate) trait Subject: fmt::Debug + Send + Sync + 'static {
    /// The cases that can run at it.
    type Case: Case;

    /// Its place in the queue for port 50051, if it needs the port.
    const PORT_USER: Option<PortUser> = None;

    /// Prepares the peer for a case. The error is the finding if no case can run.
    fn prepare(&self, _context: &RunContext) -> Result<(), Finding> {
        Ok(())
    }

    /// Why the peer cannot run `case`, if it cannot.
    fn not_supported(&self, _case: &Self::Case) -> Option<String> {
        None
    }

    /// Notes that a trial needs the outcome of `case`, if the peer runs many cases together.
    fn need(&self, _case: &Arc<Self::Case>) -> Option<Need<Arc<Self::Case>>> {
        None
    }

    /// Runs `case`; `recorder` records the frames.
    fn run(
        &self,
        case: &Arc<Self::Case>,
        context: &RunContext,
        recorder: &mut Recorder,
    ) -> RunResult;

    /// The command line that starts the peer.
    fn command(&self, context: &RunContext) -> Option<String>;

    /// The log files of the peer in `case`.
    fn logs(&self, case: &Self::Case) -> Vec<Logs>;

    /// Whether the user started the peer (`--attach`).
    fn is_attached(&self) -> bool {
        false
    }
}

/// The prefix of findings about the reference, which distinguishes them from findings about the peer.
pub(crate) const REFERENCE: &str = "the reference: ";

/// The outcome of a case, or the finding if there is none.
type Outcome = Result<Observation, Finding>;

/// The live reference with its outcomes so far.
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
    /// The reference `peer`, at which `subject` runs cases. Its logs go to `folder`.
    pub(crate) fn new(peer: &Peer, subject: S, folder: PathBuf) -> Self {
        let (peer, subject) = (peer.clone(), Arc::new(subject));
        Self { peer, subject, folder, versions: OnceLock::new(), outcomes: Mutex::default() }
    }

    /// The outcome of `case`, which runs unless it has run before.
    pub(crate) fn outcome(&self, case: &Arc<S::Case>, context: &RunContext) -> Outcome {
        let outcome = Arc::clone(self.outcomes.lock().entry(case.name().to_owned()).or_default());
        outcome.get_or_init(|| self.run(case, context)).clone()
    }

    /// Runs `case`, even if it has run before.
    pub(crate) fn run(&self, case: &Arc<S::Case>, context: &RunContext) -> Outcome {
        let attempt = || self.subject.run(case, context, &mut Recorder::default());
        // Nothing shows whether the outcome is that of a suspension.
        let run = context.suspensions.undisturbed(attempt);
        let run = run.unwrap_or_else(|why| Err(Finding::SetUpError(why.to_owned())));
        run.map(|run| run.masked).map_err(|finding| match finding {
            Finding::Hung(why) => Finding::ReferenceHung(format!("{REFERENCE}{why}")),
            Finding::Broken(why) | Finding::SetUpError(why) | Finding::NotSupported(why) => {
                Finding::SetUpError(format!("{REFERENCE}{why}"))
            }
            other => other,
        })
    }

    /// The versions of its libraries, one per line. The error is the reason why they are unknown.
    pub(crate) fn versions(&self, context: &RunContext) -> Result<Vec<String>, String> {
        self.versions.get_or_init(|| versions(&self.peer, &self.folder, context)).clone()
    }
}

/// The versions of `peer`, as its program `versions` prints them, one per line. The error is the reason why they are
/// unknown. The log goes to `folder`.
///
/// Goldens and records contain these lines, so that differences can be traced to a change of versions.
pub(crate) fn versions(
    peer: &Peer,
    folder: &Path,
    context: &RunContext,
) -> Result<Vec<String>, String> {
    const LIMIT: Duration = Duration::from_secs(20);
    let program =
        peer.versions.as_ref().ok_or("the peer has no `versions` program in the peers file")?;
    let failed = format!("cannot run the `versions` program of peer `{}`", peer.name());
    let command_line = program.command_line(&context.places, "");
    let command_line = command_line.map_err(|error| format!("{failed}: {error}"))?;
    let process = Process::start(&command_line, Logs::at(&folder.join("versions")));
    let mut process = process.map_err(|error| format!("{failed}, {command_line}: {error}"))?;
    let mut stdout = String::new();
    match process.wait(LIMIT, &mut stdout) {
        Some(Exit::Status(0)) => Ok(stdout.lines().map(str::to_owned).collect()),
        Some(exit) => Err(format!("the `versions` program {command_line} exited with {exit}")),
        None => Err(format!("the `versions` program {command_line} did not exit within {LIMIT:?}")),
    }
}

/// A case of a suite that compares peers with a baseline.
pub(crate) trait Case: fmt::Debug + Send + Sync + 'static {
    /// Its name.
    fn name(&self) -> &str;

    /// All outcomes of the reference, if its outcome is not stable.
    fn also(&self) -> &[Observation];

    /// The description for failure blocks.
    fn description(&self) -> String;

    /// Which peers can cause the case.
    fn grade(&self) -> Grade;

    /// Where `observation` contradicts an expectation that the table states in addition to the reference.
    fn contradictions(&self, _observation: &Observation) -> Vec<Mismatch> {
        Vec::new()
    }

    /// Whether the table states an expectation.
    fn has_expectation(&self) -> bool {
        false
    }

    /// Compares `observed` with the nearest of the `expected` outcomes, and with the stated expectation.
    fn compare(&self, expected: &[Observation], observed: &Observation) -> Vec<Mismatch> {
        let mut mismatches = nearest(expected, observed);
        mismatches.extend(self.contradictions(observed));
        mismatches
    }
}
