//! A trial: one case of one pairing, with its name and how it is run.
//!
//! The name is a path, `suite/server/client/case`, so that a filter can pick a suite, a pairing or
//! a case and a report can group by any of them.

use std::fmt;

use crate::outcome::finding::Report;

/// `suite/server/client/case`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrialName {
    pub(crate) suite: &'static str,
    pub(crate) server: String,
    pub(crate) client: String,
    pub(crate) case: String,
}

impl fmt::Display for TrialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.suite, self.server, self.client, self.case)
    }
}

/// Who needs port 50051, in the order of their turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PortUser {
    /// The server programs of the suite `programs`, one at a time.
    Programs,
    /// The scripted server that the client programs of `client-parity` connect to.
    ClientPrograms,
    /// The reference of `server-parity`.
    ReferenceServer,
}

impl PortUser {
    /// How many there are.
    pub(crate) const COUNT: usize = 3;

    /// Whether its trials run side by side.
    pub(crate) fn shares_its_turn(self) -> bool {
        self != Self::Programs
    }
}

/// A case that is still to be run; dropping it lets go of the peers that only it still needed.
pub(crate) struct Trial {
    pub(crate) name: TrialName,
    /// Whether it mostly waits, so that many such fit side by side.
    pub(crate) waits: bool,
    /// Whether the harness does not start its server.
    pub(crate) is_attached: bool,
    /// Whose turn at port 50051 it is part of.
    pub(crate) port_user: Option<PortUser>,
    pub(crate) run: Box<dyn FnOnce() -> Report + Send>,
}

impl Trial {
    /// A trial that is not known to wait, and whose server is started.
    pub(crate) fn new(name: TrialName, run: impl FnOnce() -> Report + Send + 'static) -> Self {
        Self { name, waits: false, is_attached: false, port_user: None, run: Box::new(run) }
    }
}
