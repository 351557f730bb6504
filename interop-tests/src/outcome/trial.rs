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

/// A case that is still to be run; dropping it lets go of the peers that only it still needed.
pub(crate) struct Trial {
    pub(crate) name: TrialName,
    /// Whether it mostly waits, so that many such fit side by side.
    pub(crate) waits: bool,
    /// Whether the harness does not start its server.
    pub(crate) is_attached: bool,
    pub(crate) run: Box<dyn FnOnce() -> Report + Send>,
}

impl Trial {
    /// A trial that is not known to wait, and whose server is started.
    pub(crate) fn new(name: TrialName, run: impl FnOnce() -> Report + Send + 'static) -> Self {
        Self { name, waits: false, is_attached: false, run: Box::new(run) }
    }
}
