//! Collects the problems of a run, so that the rest is still measured and all problems are reported.

use std::collections::BTreeSet;

use super::contender::CannotStart;
use super::contender::Contender;
use super::measurement::NotMeasured;

/// The problems of a run.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// The messages in chronological order.
    pub(crate) messages: Vec<String>,
    /// Servers that are not measured any more.
    excluded: BTreeSet<String>,
    /// Whether one of the problems is a failure, and not only a missing program.
    pub(crate) is_failure: bool,
}

impl Problems {
    /// Whether the contender is still measured.
    pub(crate) fn measures(&self, contender: &Contender) -> bool {
        !self.excluded.contains(&contender.name)
    }

    /// Excludes the contender from the rest of the run, and reports the reason.
    pub(crate) fn exclude(&mut self, contender: &Contender, why: &NotMeasured) {
        let not_installed = matches!(why, NotMeasured::Start(CannotStart::NotInstalled(_)));
        self.report(format!("{}: {why}", contender.name));
        self.is_failure |= !(not_installed && contender.optional);
        self.excluded.insert(contender.name.clone());
    }

    /// Reports a problem that is not a failure.
    pub(crate) fn report(&mut self, what: String) {
        grpc_interop::output::err!("bench: {what}");
        self.messages.push(what);
    }

    /// Reports a problem that makes the run fail.
    pub(crate) fn fail(&mut self, what: String) {
        self.report(what);
        self.is_failure = true;
    }
}
