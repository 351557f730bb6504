//! The differences between two records.
//!
//! Trials are matched by name: a renamed case counts as one lost and one new trial.

use std::collections::BTreeMap;
use std::fmt;

use crate::report::record::{Record, trial::TrialRecord};

/// A trial counts as slower if its duration grew by more than this factor.
const SLOWER: f64 = 2.0;

/// The duration must also have grown by this many milliseconds: smaller differences are noise.
const SLOWER_BY_MS: f64 = 100.0;

/// How many trials of a kind are listed. The others are counted.
const LISTED: usize = 40;

/// The kinds of changes, in the order in which they are printed: the most important comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
enum Change {
    #[strum(serialize = "more than twice as slow")]
    Slower,
    New,
    /// The verdict changed, and neither verdict is a failure.
    #[strum(serialize = "changed verdicts")]
    OtherVerdict,
    Fixed,
    Lost,
    #[strum(serialize = "new failures")]
    NewFailure,
}

/// The changes from one record to another, with one line per trial.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Warnings about incomplete runs.
    warnings: Vec<String>,
    changes: BTreeMap<Change, Vec<String>>,
    /// The number of trials with the same verdict in both records.
    same: usize,
}

impl Difference {
    /// Compares `old` with `new`.
    pub(crate) fn between(old: &Record, new: &Record) -> Self {
        let warning = |(which, record): (&str, &Record)| {
            record.warning().map(|warning| format!("{which}: {warning}"))
        };
        let warnings = [("OLD", old), ("NEW", new)].into_iter().filter_map(warning).collect();
        let mut difference = Self { warnings, ..Self::default() };
        let old: BTreeMap<_, _> = old.trials().map(|trial| (&trial.name, trial)).collect();
        let new: BTreeMap<_, _> = new.trials().map(|trial| (&trial.name, trial)).collect();
        for (name, now) in &new {
            match old.get(name) {
                Some(before) => difference.compare(before, now),
                None if now.verdict.is_failure() => {
                    difference.add(Change::NewFailure, line(now, "new"));
                }
                None => difference.add(Change::New, format!("{name}: {}", now.verdict.name())),
            }
        }
        for (name, before) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
            difference.add(Change::Lost, format!("{name}: was {}", before.verdict.name()));
        }
        difference
    }

    fn add(&mut self, change: Change, line: String) {
        self.changes.entry(change).or_default().push(line);
    }

    fn compare(&mut self, before: &TrialRecord, now: &TrialRecord) {
        let was = before.verdict.name();
        let changed = format!("{}: {}, was {was}", now.name, now.verdict.name());
        match (before.verdict.is_failure(), now.verdict.is_failure()) {
            (false, true) => self.add(Change::NewFailure, line(now, &format!("was {was}"))),
            (true, false) => self.add(Change::Fixed, changed),
            _ if before.verdict != now.verdict => self.add(Change::OtherVerdict, changed),
            _ => self.same += 1,
        }
        let (old, new) = (before.duration_ms, now.duration_ms);
        if new > old * SLOWER && new - old > SLOWER_BY_MS {
            self.add(Change::Slower, format!("{}: {new:.0} ms, was {old:.0} ms", now.name));
        }
    }

    fn count(&self, change: Change) -> usize {
        self.changes.get(&change).map_or(0, Vec::len)
    }

    /// Whether there is a new failure or a missing trial.
    pub(crate) fn is_worse(&self) -> bool {
        self.count(Change::NewFailure) + self.count(Change::Lost) > 0
    }
}

fn line(trial: &TrialRecord, before: &str) -> String {
    format!("{}: {} ({before}): {}", trial.name, trial.verdict.name(), trial.in_short())
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Change::{Fixed, Lost, New, NewFailure, Slower};
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        for (change, lines) in &self.changes {
            writeln!(f, "{change}: {}", lines.len())?;
            lines.iter().take(LISTED).try_for_each(|line| writeln!(f, "  {line}"))?;
            if let Some(more) = lines.len().checked_sub(LISTED).filter(|more| *more > 0) {
                writeln!(f, "  and {more} more")?;
            }
        }
        let counts = [NewFailure, Fixed, Slower, New, Lost].map(|change| self.count(change));
        let [failures, fixed, slower, new, lost] = counts;
        write!(f, "{failures} new failures, {fixed} fixed, {slower} more than twice as slow, ")?;
        write!(f, "{new} new, {lost} lost, {} unchanged", self.same)
    }
}
