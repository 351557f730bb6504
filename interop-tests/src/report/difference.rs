//! What changed between two records.
//!
//! Judged by the trials' names: a case that was renamed is one that was lost and one that is new.

use std::collections::BTreeMap;
use std::fmt;

use crate::report::record::Record;
use crate::report::record::trial::TrialRecord;

/// A trial is slower when it took more than so many times as long,
const SLOWER: f64 = 2.0;

/// and so many milliseconds more: below that it is the machine that differs.
const SLOWER_BY_MS: f64 = 100.0;

/// How many trials of a kind are told; the rest is counted.
const TOLD: usize = 40;

/// The changes from one record to another, a line for each trial.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// What a reader has to know before all else.
    warnings: Vec<String>,
    new_failures: Vec<String>,
    fixed: Vec<String>,
    /// Another verdict, and neither of the two is a failure.
    otherwise: Vec<String>,
    slower: Vec<String>,
    new: Vec<String>,
    lost: Vec<String>,
    /// How many trials are in both and did not change.
    same: usize,
}

impl Difference {
    pub(crate) fn between(old: &Record, new: &Record) -> Self {
        let of = |record: &Record, which: &str| {
            record.warning().map(|warning| format!("{which}: {warning}"))
        };
        let mut difference = Self {
            warnings: of(old, "OLD").into_iter().chain(of(new, "NEW")).collect(),
            ..Self::default()
        };
        let old: BTreeMap<_, _> = old.trials.iter().map(|trial| (&trial.name, &**trial)).collect();
        let new: BTreeMap<_, _> = new.trials.iter().map(|trial| (&trial.name, &**trial)).collect();
        for (name, now) in &new {
            match old.get(name) {
                Some(before) => difference.compare(before, now),
                None if now.verdict.is_failure() => difference.new_failures.push(line(now, "new")),
                None => difference.new.push(format!("{name}: {}", now.verdict.name())),
            }
        }
        let lost = old.values().filter(|before| !new.contains_key(&before.name));
        difference.lost =
            lost.map(|before| format!("{}: was {}", before.name, before.verdict.name())).collect();
        difference
    }

    fn compare(&mut self, before: &TrialRecord, now: &TrialRecord) {
        let was = before.verdict.name();
        match (before.verdict.is_failure(), now.verdict.is_failure()) {
            (false, true) => self.new_failures.push(line(now, &format!("was {was}"))),
            (true, false) => {
                self.fixed.push(format!("{}: {}, was {was}", now.name, now.verdict.name()));
            }
            _ if before.verdict != now.verdict => {
                self.otherwise.push(format!("{}: {}, was {was}", now.name, now.verdict.name()));
            }
            _ => self.same += 1,
        }
        let (old, new) = (before.duration_ms, now.duration_ms);
        if new > old * SLOWER && new - old > SLOWER_BY_MS {
            self.slower.push(format!("{}: {new:.0} ms, was {old:.0} ms", now.name));
        }
    }

    /// Whether something is worse: a new failure, or a trial that is not there any more.
    pub(crate) fn is_worse(&self) -> bool {
        !self.new_failures.is_empty() || !self.lost.is_empty()
    }
}

fn line(trial: &TrialRecord, before: &str) -> String {
    format!("{}: {} ({before}): {}", trial.name, trial.verdict.name(), trial.in_short())
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        for (heading, lines) in [
            ("slower than twice", &self.slower),
            ("new", &self.new),
            ("with another verdict", &self.otherwise),
            ("fixed", &self.fixed),
            ("lost", &self.lost),
            ("new failures", &self.new_failures),
        ] {
            if lines.is_empty() {
                continue;
            }
            writeln!(f, "{heading}: {}", lines.len())?;
            lines.iter().take(TOLD).try_for_each(|line| writeln!(f, "  {line}"))?;
            if let Some(more) = lines.len().checked_sub(TOLD).filter(|more| *more > 0) {
                writeln!(f, "  and {more} more")?;
            }
        }
        write!(
            f,
            "{} new failures, {} fixed, {} slower than twice, {} new, {} lost, {} as before",
            self.new_failures.len(),
            self.fixed.len(),
            self.slower.len(),
            self.new.len(),
            self.lost.len(),
            self.same
        )
    }
}
