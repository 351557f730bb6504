//! What changed between two records.
//!
//! Trials are matched by their names: a case that was renamed is lost and new.

use std::collections::BTreeMap;
use std::fmt;

use crate::report::record::Record;
use crate::report::record::trial::TrialRecord;

/// A trial is slower if its duration is larger by this factor,
const SLOWER: f64 = 2.0;

/// and by this many milliseconds: smaller differences are those of the machine.
const SLOWER_BY_MS: f64 = 100.0;

/// How many trials of a kind are listed; the rest is counted.
const LISTED: usize = 40;

/// What a change is, in the order in which changes are shown: the most important come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "lowercase")]
enum Change {
    #[strum(serialize = "slower than twice")]
    Slower,
    New,
    /// Another verdict, and neither of the two is a failure.
    #[strum(serialize = "with another verdict")]
    OtherVerdict,
    Fixed,
    Lost,
    #[strum(serialize = "new failures")]
    NewFailure,
}

/// The changes from one record to another, a line for each trial.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// What a reader has to know before all else.
    warnings: Vec<String>,
    changes: BTreeMap<Change, Vec<String>>,
    /// How many trials are in both and have the same verdict.
    same: usize,
}

impl Difference {
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

    /// Whether something is worse: a new failure, or a trial that is missing.
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
        write!(f, "{failures} new failures, {fixed} fixed, {slower} slower than twice, ")?;
        write!(f, "{new} new, {lost} lost, {} as before", self.same)
    }
}
