//! A case that the reference decides, and the reference that does.
//!
//! Two traits, so that oracle, goldens and recording need not know on which side of a connection a
//! suite stands.

use std::fmt;
use std::sync::Arc;

use crate::outcome::finding::{Finding, Mismatch};
use crate::outcome::grade::Grade;
use crate::outcome::observation::Observation;
use crate::outcome::trial::PortUser;
use crate::process::context::RunContext;

/// A probe or a behaviour.
pub(crate) trait Case: fmt::Debug + Send + Sync + 'static {
    fn name(&self) -> &str;

    /// What the reference has been seen to do beside what it does now.
    fn also(&self) -> &[Observation];

    /// What it is about, for a failure.
    fn description(&self) -> String;

    /// Who can do what it does.
    fn grade(&self) -> Grade;

    /// What of `observation` contradicts what its table states, whatever the reference does.
    fn contradictions(&self, _observation: &Observation) -> Vec<Mismatch> {
        Vec::new()
    }

    /// Whether its table states anything.
    fn has_expectation(&self) -> bool {
        false
    }
}

/// The peer that is always right.
pub(crate) trait Reference: fmt::Debug + Send + Sync + 'static {
    type Case: Case;

    /// Its part in the queue for port 50051, if it needs the port.
    const PORT_USER: Option<PortUser> = None;

    /// The name of its peer.
    fn name(&self) -> &str;

    /// The command that starts it.
    fn command(&self, context: &RunContext) -> Option<String>;

    /// What it does with `case`, which is played once.
    fn observation(
        &self,
        case: &Arc<Self::Case>,
        context: &RunContext,
    ) -> Result<Observation, Finding>;

    /// Plays `case`, whether it has been played or not.
    fn observe(&self, case: &Arc<Self::Case>, context: &RunContext)
    -> Result<Observation, Finding>;

    /// What it is made of, a line each; the error says why nobody knows.
    fn versions(&self, context: &RunContext) -> Result<Vec<String>, String>;
}
