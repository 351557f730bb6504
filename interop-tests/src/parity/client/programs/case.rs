//! A behaviour on port 50051.
//!
//! Only a behaviour whose call is the program's own: others are about what a caller requests.

use std::sync::Arc;

use crate::outcome::finding::{Mismatch, Observation};
use crate::outcome::verdict::Grade;
use crate::parity::baseline::case::Case;
use crate::parity::client::programs::port_demultiplexer::PortDemultiplexer;
use crate::parity::client::table::{Behaviour, PROGRAM_PREFIX};

/// A behaviour that client programs are run with.
#[derive(Debug)]
pub(crate) struct ProgramCase {
    name: String,
    pub(crate) behaviour: Arc<Behaviour>,
    pub(crate) port: Arc<PortDemultiplexer>,
}

impl ProgramCase {
    /// The cases of all `behaviours` that programs are run with. They share port 50051.
    pub(crate) fn all(behaviours: &[Arc<Behaviour>]) -> Vec<Self> {
        let port = Arc::new(PortDemultiplexer::default());
        let is_run = |behaviour: &&Arc<Behaviour>| {
            behaviour.call.is_the_programs()
                && behaviour.programs.as_ref().is_none_or(|special| special.run)
        };
        let case = |behaviour: &Arc<Behaviour>| Self {
            name: format!("{PROGRAM_PREFIX}{}", behaviour.name()),
            behaviour: Arc::clone(behaviour),
            port: Arc::clone(&port),
        };
        behaviours.iter().filter(is_run).map(case).collect()
    }
}

impl Case for ProgramCase {
    fn name(&self) -> &str {
        &self.name
    }

    fn also(&self) -> &[Observation] {
        self.behaviour.programs.as_ref().map_or(&[], |special| &special.also)
    }

    fn description(&self) -> String {
        let special = self.behaviour.programs.iter();
        let why = special.map(|special| format!("unstable with programs: {}", special.why));
        let about = self.behaviour.description();
        std::iter::once(about).chain(why).collect::<Vec<_>>().join("\n")
    }

    fn grade(&self) -> Grade {
        self.behaviour.grade()
    }

    fn contradictions(&self, observation: &Observation) -> Vec<Mismatch> {
        self.behaviour.contradictions(observation)
    }

    fn has_expectation(&self) -> bool {
        self.behaviour.has_expectation()
    }
}
