//! A peer at which cases are run: one that is compared, or the reference.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::capture::recorder::Recorder;
use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;
use crate::outcome::trial::PortUser;
use crate::parity::baseline::case::Case;
use crate::process::child::Logs;
use crate::process::context::RunContext;

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

    /// Whether the peer was started by somebody else.
    fn is_attached(&self) -> bool {
        false
    }
}
