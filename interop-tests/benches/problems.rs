//! What went wrong in a run, so that the rest of it is still measured and nothing is kept silent.

use std::collections::BTreeSet;

use super::contender::CannotStart;
use super::contender::Contender;
use super::measurement::NotMeasured;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// In the order in which they came up.
    pub(crate) told: Vec<String>,
    /// Servers that are not measured any more.
    out: BTreeSet<String>,
    /// Whether one of them is no matter of what is installed.
    pub(crate) is_failure: bool,
}

impl Problems {
    /// Whether the contender is still measured.
    pub(crate) fn has_no(&self, contender: &Contender) -> bool {
        !self.out.contains(&contender.name)
    }

    /// Leaves the contender out from now on, and says why.
    pub(crate) fn leave_out(&mut self, contender: &Contender, why: &NotMeasured) {
        let not_installed = matches!(why, NotMeasured::Start(CannotStart::NotInstalled(_)));
        self.tell(format!("{}: {why}", contender.name));
        self.is_failure |= !(not_installed && contender.optional);
        self.out.insert(contender.name.clone());
    }

    /// Says what is not as it should be, and changes no status.
    pub(crate) fn tell(&mut self, what: String) {
        eprintln!("bench: {what}");
        self.told.push(what);
    }

    /// Says what makes the run fail.
    pub(crate) fn fail(&mut self, what: String) {
        self.tell(what);
        self.is_failure = true;
    }
}
