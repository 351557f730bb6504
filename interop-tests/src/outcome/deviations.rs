//! The ledger of known deviations, `deviations.toml`.
//!
//! An entry excuses one failure and no other. It still runs, and an entry that has become untrue
//! fails the run, so that the ledger cannot rot.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::source::{ConfigError, Source};
use crate::outcome::finding::{Evidence, Finding, Mismatch, Report};
use crate::outcome::pattern;
use crate::outcome::trial::TrialName;
use crate::outcome::verdict::Verdict;
use crate::outcome::version_condition::VersionCondition;
use crate::parity::server::class::Class;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    /// The trials that deviate; `*` stands for any text within a part of the path.
    trials: Vec<Spanned<String>>,
    /// What differs, and what is observed instead: exactly this and nothing else.
    #[serde(default)]
    observed: BTreeMap<String, String>,
    /// Where peers are compared: the whole of what was observed, one of these.
    #[serde(default)]
    answers: Vec<String>,
    /// With `answers`: the class of requests that are answered so, also those that have no trial.
    class: Option<Class>,
    /// What the reference has to be made of for the entry to be there at all.
    versions: Option<Spanned<String>>,
    reason: String,
    link: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    deviation: Vec<Deviation>,
}

/// All known deviations.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    deviations: Vec<Deviation>,
    /// Peers of whom none is known.
    strangers: BTreeSet<String>,
}

impl Ledger {
    /// Reads the ledger and checks it against the names of all trials that there are; `versions` are
    /// those of the reference, if it takes part.
    pub(crate) fn read(
        path: &Path,
        trials: &[TrialName],
        versions: impl FnOnce() -> Option<Vec<String>>,
    ) -> Result<Self, ConfigError> {
        Self::checked(path, trials, versions, BTreeSet::new(), true)
    }

    /// Reads what is known of those `trials` in which no `strangers` take part. The others, and
    /// trials of peers that are not here, are none of this run's business.
    pub(crate) fn read_beside(
        path: &Path,
        trials: &[TrialName],
        versions: impl FnOnce() -> Option<Vec<String>>,
        strangers: BTreeSet<String>,
    ) -> Result<Self, ConfigError> {
        Self::checked(path, trials, versions, strangers, false)
    }

    fn checked(
        path: &Path,
        trials: &[TrialName],
        versions: impl FnOnce() -> Option<Vec<String>>,
        strangers: BTreeSet<String>,
        is_of_these: bool,
    ) -> Result<Self, ConfigError> {
        let (file, source): (File, _) = Source::read(path)?;
        for deviation in &file.deviation {
            let span = deviation.trials.first().map(Spanned::span);
            let wrong = |message: &str| Err(source.error(span.clone(), message));
            if deviation.trials.is_empty() {
                return wrong("trials: an entry says which trials deviate");
            }
            if deviation.observed.is_empty() == deviation.answers.is_empty() {
                return wrong(
                    "an entry says what is `observed`, or the `answers` of a server or client",
                );
            }
            if deviation.reason.trim().is_empty() || deviation.link.trim().is_empty() {
                return wrong("an entry has a reason and a link");
            }
            if deviation.class.is_some() && deviation.answers.is_empty() {
                return wrong("class: it goes with `answers`");
            }
            for pattern in &deviation.trials {
                if is_of_these
                    && !trials.iter().any(|trial| pattern::matches(pattern.get_ref(), trial))
                {
                    let message = "trials: no trial has such a name; remove the entry or mend it";
                    return Err(source.error(Some(pattern.span()), message));
                }
            }
        }
        let deviations = of_versions(file.deviation, versions, &source)?;
        let ledger = Self { deviations, strangers };
        for trial in trials {
            if let [_, second, ..] = ledger.matching(trial).collect::<Vec<_>>()[..] {
                let message = format!("trials: another entry matches {trial} already");
                return Err(source.error(second.pattern(trial).map(Spanned::span), message));
            }
        }
        Ok(ledger)
    }

    /// The verdict on what was found out about `trial`.
    ///
    /// What fails beside a reference of other versions than the goldens', and would not beside that
    /// which they are of, is not supported.
    pub(crate) fn verdict(&self, trial: &TrialName, report: &Report) -> Verdict {
        let verdict = self.strict_verdict(trial, &report.finding, &report.evidence);
        let has_failed = |verdict: &Verdict| {
            matches!(verdict, Verdict::Failed { .. } | Verdict::SetUpError { .. })
        };
        match &report.evidence.moved {
            // Nothing could be told of a peer that did not start or that died.
            Some(_) if matches!(report.finding, Finding::SetUpError(_) | Finding::Broken(_)) => {
                verdict
            }
            Some(moved) if has_failed(&verdict) => {
                let would_fail =
                    |finding| has_failed(&self.strict_verdict(trial, finding, &report.evidence));
                if moved.finding.as_ref().is_some_and(would_fail) {
                    return verdict;
                }
                Verdict::NotSupported { reason: moved.reason.clone() }
            }
            _ => verdict,
        }
    }

    fn strict_verdict(&self, trial: &TrialName, finding: &Finding, evidence: &Evidence) -> Verdict {
        let known = self.matching(trial).next();
        match (finding.clone(), known) {
            (Finding::Match, None) => Verdict::Passed,
            (Finding::Match, Some(known)) => Verdict::Failed {
                why: format!(
                    "it passes, but a known deviation says that it does not: remove the entry `{}`",
                    known.pattern(trial).map_or("", |pattern| pattern.get_ref())
                ),
                mismatches: Vec::new(),
            },
            (Finding::Mismatches(mismatches), Some(known))
                if known.excuses(&mismatches, evidence) =>
            {
                let (reason, link) = (known.reason.clone(), known.link.clone());
                Verdict::KnownDeviation { reason, link, mismatches }
            }
            (Finding::Mismatches(mismatches), Some(known)) => Verdict::Failed {
                why: format!("not the known deviation, which is: {}", known.failure()),
                mismatches,
            },
            (Finding::Mismatches(mismatches), None) => {
                Verdict::Failed { why: "not as expected".to_owned(), mismatches }
            }
            (Finding::NotSupported(reason), _) => Verdict::NotSupported { reason },
            (Finding::Broken(why) | Finding::Hung(why), _) => {
                Verdict::Failed { why, mismatches: Vec::new() }
            }
            (Finding::SetUpError(why) | Finding::ReferenceHung(why), _) => {
                Verdict::SetUpError { why }
            }
        }
    }

    /// Why `server` may answer a request so that has no name: the request is of the class of an
    /// entry for this server, which `is_of` tells, and the answer is one of that entry's.
    pub(crate) fn explanation(
        &self,
        server: &str,
        answer: &str,
        is_of: impl Fn(Class) -> bool,
    ) -> Option<&str> {
        let is_about = |deviation: &&Deviation| {
            !self.strangers.contains(server)
                && deviation.class.is_some_and(&is_of)
                && deviation.has_answer(answer)
                && deviation.trials.iter().any(|pattern| {
                    pattern
                        .get_ref()
                        .split('/')
                        .nth(1)
                        .is_some_and(|part| pattern::glob(part, server))
                })
        };
        self.deviations.iter().find(is_about).map(|deviation| &deviation.reason[..])
    }

    fn matching<'a>(&'a self, trial: &'a TrialName) -> impl Iterator<Item = &'a Deviation> {
        let is_known = !trial.peers().any(|peer| self.strangers.contains(peer));
        self.deviations.iter().filter(move |d| is_known && d.pattern(trial).is_some())
    }
}

impl Deviation {
    /// The pattern that `trial` has.
    fn pattern(&self, trial: &TrialName) -> Option<&Spanned<String>> {
        self.trials.iter().find(|pattern| pattern::matches(pattern.get_ref(), trial))
    }

    fn excuses(&self, mismatches: &[Mismatch], evidence: &Evidence) -> bool {
        if !self.answers.is_empty() {
            return evidence.answer.as_deref().is_some_and(|answer| self.has_answer(answer));
        }
        self.observed.len() == mismatches.len()
            && mismatches
                .iter()
                .all(|mismatch| self.observed.get(&mismatch.what) == Some(&mismatch.observed))
    }

    fn has_answer<'a>(&'a self, answer: &'a str) -> bool {
        // Editors take spaces from the ends of lines.
        let lines = |text: &'a str| text.trim_end().lines().map(str::trim_end);
        self.answers.iter().any(|known| lines(known).eq(lines(answer)))
    }

    /// The recorded failure, for people.
    fn failure(&self) -> String {
        let observed = self.observed.iter().map(|(what, observed)| format!("{what} = {observed}"));
        let answers = self.answers.iter().map(|answer| format!("\n{}", answer.trim_end()));
        observed.collect::<Vec<_>>().join(", ") + &answers.collect::<Vec<_>>().join("\nor")
    }
}

/// Those of `deviations` that are there where the reference is made of `versions`.
fn of_versions(
    deviations: Vec<Deviation>,
    versions: impl FnOnce() -> Option<Vec<String>>,
    source: &Source,
) -> Result<Vec<Deviation>, ConfigError> {
    if deviations.iter().all(|deviation| deviation.versions.is_none()) {
        return Ok(deviations);
    }
    let versions = versions();
    let mut there = Vec::new();
    for deviation in deviations {
        let Some(condition) = &deviation.versions else {
            there.push(deviation);
            continue;
        };
        let wrong = |message| source.error(Some(condition.span()), format!("versions: {message}"));
        let parsed: VersionCondition = condition.get_ref().parse().map_err(wrong)?;
        let holds = versions.as_ref().map_or(Ok(false), |versions| parsed.holds(versions));
        if holds.map_err(wrong)? {
            there.push(deviation);
        }
    }
    Ok(there)
}
