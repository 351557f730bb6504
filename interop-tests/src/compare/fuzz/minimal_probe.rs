//! Reduces probes to the smallest ones that still show their differences, many at once.

use crate::compare::difference::Difference;
use crate::compare::fuzz::collected::{Cause, Sample, Sent, cause_of};
use crate::compare::fuzz::draw::{Drawn, DrawnMethod};
use crate::compare::tally::Rules;
use crate::compare::wire::outcome::Outcome;
use crate::compare::wire::prepared::{Prepared, Sides};
use crate::compare::wire::run::WireRun;
use crate::probe::engine::observe;
use crate::probe::mutation::shrink::shrink;
use crate::probe::pool;
use crate::probe::table::{self, Probe};

/// How many probes are reduced at once.
const AT_ONCE: usize = 8;

/// How often a smaller probe must show the difference.
const ROUNDS: usize = 2;

/// A probe that may have more than is needed.
pub(crate) struct ProbeToShrink<'a> {
    pub(crate) cause: &'a Cause,
    pub(crate) sample: &'a Sample,
    pub(crate) servers: &'a [Prepared],
    pub(crate) rules: Rules<'a>,
    pub(crate) drawn: &'a DrawnMethod,
}

/// The smallest probes that were found. `None` if there is no smaller one.
pub(crate) fn shrink_all(probes: &[ProbeToShrink<'_>]) -> Vec<Option<Probe>> {
    let smallest = pool::map(probes, AT_ONCE, ProbeToShrink::smallest);
    smallest.into_iter().map(Option::flatten).collect()
}

/// The first of `differences` in the responses to `sent` that has this cause.
pub(crate) fn of_cause(
    differences: impl IntoIterator<Item = Difference>,
    sent: &Sent,
    cause: &Cause,
    rules: &Rules<'_>,
) -> Option<Difference> {
    differences.into_iter().find(|difference| cause_of(sent, difference, rules).0 == cause.text)
}

impl ProbeToShrink<'_> {
    fn smallest(&self) -> Option<Probe> {
        let Drawn::Probe(probe) = &self.sample.sent.drawn else { return None };
        let smallest = shrink((**probe).clone(), |probe| Ok(self.shows(probe))).ok()?;
        // The printed probe must be the one that is sent.
        table::entry(&smallest).and_then(|entry| table::from_entry(&entry)).ok()
    }

    /// Whether `probe` shows the difference each time.
    fn shows(&self, probe: &Probe) -> bool {
        // Without a body, an entry has that of the calculator.
        let has_body = table::entry(probe).is_ok_and(|entry| entry.contains("\nbody = "));
        has_body && self.drawn.allows(probe) && (0..ROUNDS).all(|_| self.shows_once(probe))
    }

    fn shows_once(&self, probe: &Probe) -> bool {
        let Self { cause, sample, servers, rules, .. } = self;
        let observed = observe::<WireRun<'_>>(servers, probe);
        let outcomes = observed.into_iter().map(|it| it.outcome).collect();
        let Some(Sides { reference, again, candidate }) = Sides::from_vec(outcomes) else {
            return false;
        };
        let outcomes = [Some(&reference), again.as_ref(), Some(&candidate)];
        if outcomes.into_iter().flatten().any(Outcome::has_failed) {
            return false;
        }
        let unstable = again.map(|again| reference.differences(&again, rules.types));
        let unstable = unstable.unwrap_or_default();
        let differences = reference.differences(&candidate, rules.types).into_iter();
        let stable = differences.filter(|it| unstable.iter().all(|un| un.subject != it.subject));
        of_cause(stable, &sample.sent, cause, rules).is_some()
    }
}
