//! The ledger of known deviations, `deviations.toml`.
//!
//! An entry excuses one failure and no other. It still runs, and an entry that has become untrue
//! fails the run, so that the ledger cannot rot.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::config::{ConfigError, Source};
use super::finding::{Finding, Mismatch};
use super::trial::TrialName;
use super::verdict::Verdict;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    /// The trials that deviate; `*` stands for any text within a part of the path.
    trials: Spanned<String>,
    /// What differs, and what is observed instead: exactly this and nothing else.
    observed: BTreeMap<String, String>,
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
}

impl Ledger {
    /// Reads the ledger and checks it against the names of all trials that there are.
    pub(crate) fn read(path: &Path, trials: &[TrialName]) -> Result<Self, ConfigError> {
        let (file, source): (File, _) = Source::read(path)?;
        for deviation in &file.deviation {
            let wrong = |message: &str| Err(source.error(Some(deviation.trials.span()), message));
            if deviation.observed.is_empty() {
                return wrong("observed: an entry says what is observed");
            }
            if deviation.reason.trim().is_empty() || deviation.link.trim().is_empty() {
                return wrong("an entry has a reason and a link");
            }
            if !trials.iter().any(|trial| deviation.matches(trial)) {
                return wrong("trials: no trial has such a name; remove the entry or mend it");
            }
        }
        let ledger = Self { deviations: file.deviation };
        for trial in trials {
            if let [_, second, ..] = ledger.matching(trial).collect::<Vec<_>>()[..] {
                let message = format!("trials: another entry matches {trial} already");
                return Err(source.error(Some(second.trials.span()), message));
            }
        }
        Ok(ledger)
    }

    /// The verdict on what was found out about `trial`.
    pub(crate) fn verdict(&self, trial: &TrialName, finding: Finding) -> Verdict {
        let known = self.matching(trial).next();
        match (finding, known) {
            (Finding::Match, None) => Verdict::Passed,
            (Finding::Match, Some(known)) => Verdict::Failed {
                why: format!(
                    "it passes, but a known deviation says that it does not: remove the entry `{}`",
                    known.trials.get_ref()
                ),
                mismatches: Vec::new(),
            },
            (Finding::Mismatches(mismatches), Some(known)) if known.excuses(&mismatches) => {
                Verdict::KnownDeviation { reason: known.reason.clone() }
            }
            (Finding::Mismatches(mismatches), Some(known)) => Verdict::Failed {
                why: format!(
                    "not the known deviation, which is: {}",
                    known
                        .observed
                        .iter()
                        .map(|(what, observed)| format!("{what} = {observed}"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                mismatches,
            },
            (Finding::Mismatches(mismatches), None) => {
                Verdict::Failed { why: "not as expected".to_owned(), mismatches }
            }
            (Finding::NotSupported(reason), _) => Verdict::NotSupported { reason },
            (Finding::Broken(why), _) => Verdict::Failed { why, mismatches: Vec::new() },
            (Finding::SetUpError(why), _) => Verdict::SetUpError { why },
        }
    }

    fn matching<'a>(&'a self, trial: &'a TrialName) -> impl Iterator<Item = &'a Deviation> {
        self.deviations.iter().filter(|deviation| deviation.matches(trial))
    }
}

impl Deviation {
    fn matches(&self, trial: &TrialName) -> bool {
        let pattern = self.trials.get_ref().split('/');
        let trial = trial.to_string();
        let mut parts = trial.split('/');
        pattern.into_iter().all(|pattern| parts.next().is_some_and(|part| glob(pattern, part)))
            && parts.next().is_none()
    }

    fn excuses(&self, mismatches: &[Mismatch]) -> bool {
        self.observed.len() == mismatches.len()
            && mismatches
                .iter()
                .all(|mismatch| self.observed.get(&mismatch.what) == Some(&mismatch.observed))
    }
}

/// Whether `text` is `pattern` with each `*` replaced by some text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices()
                .map(|(index, _)| &text[index..])
                .chain([""])
                .any(|text| glob(rest, text))
        }),
    }
}
