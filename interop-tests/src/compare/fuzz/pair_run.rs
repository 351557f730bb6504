//! Sends random requests to the servers of one peer and of the reference.

use std::ops::Range;
use std::sync::Arc;

use crate::compare::difference::ResponseTypes;
use crate::compare::fuzz::collected::{Collected, Sent};
use crate::compare::fuzz::draw::{DrawnMethod, Draws};
use crate::compare::fuzz::state::State;
use crate::compare::servers::Servers;
use crate::compare::session::Settings;
use crate::compare::tally::{Rules, Strict};
use crate::compare::user::Setup;
use crate::outcome::Grade;
use crate::process::RunContext;

/// A run with one peer.
pub(crate) struct PairRun<'a> {
    pub(crate) peer: &'a str,
    pub(crate) draws: Draws,
    /// The types of the responses of each method.
    pub(crate) types: Vec<ResponseTypes>,
    /// The setup calls of all methods, and those of each method.
    pub(crate) setup: Vec<Arc<Setup>>,
    pub(crate) setups: Vec<Vec<Arc<Setup>>>,
    pub(crate) settings: &'a Settings,
    /// The groups to which requests belong.
    pub(crate) groups: Vec<(String, Grade)>,
    /// Whether requests may violate the protocol.
    pub(crate) edge: bool,
    pub(crate) servers: Servers,
    /// The number of the first request.
    pub(crate) first: u64,
    pub(crate) state: &'a State,
    pub(crate) context: &'a RunContext,
}

/// A method of a run.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) drawn: &'a DrawnMethod,
    pub(crate) rules: Rules<'a>,
}

impl PairRun<'_> {
    /// Sends the requests with the numbers `cases`, and reduces the first request of each cause. The error is why a
    /// server does not run.
    pub(crate) fn run(mut self, cases: Range<u64>) -> Result<(), String> {
        let sent = self.calls(cases).and_then(|probes| self.probes(probes));
        let minimal = self.minimize();
        self.servers.stop();
        sent.and(minimal)
    }

    /// The method with this index.
    pub(crate) fn target(&self, index: usize) -> Result<Target<'_>, String> {
        let found = self.draws.methods.get(index).zip(self.types.get(index));
        let (drawn, types) = found.ok_or("fuzz: a method has no type")?;
        let rules = Rules {
            peer: self.peer,
            method: drawn.method.full_name(),
            types,
            ignored: &self.settings.ignored,
            groups: &self.groups,
            strict: Strict { edge: self.edge || self.settings.strict.edge, ..self.settings.strict },
        };
        Ok(Target { drawn, rules })
    }

    /// Adds what was found for `sent`.
    pub(crate) fn collect(
        &self,
        sent: &Sent,
        add: impl FnOnce(&mut Collected, &Rules<'_>),
    ) -> Result<(), String> {
        let Target { rules, .. } = self.target(sent.method)?;
        self.state.collect(|collected| add(collected, &rules));
        Ok(())
    }
}
