//! Patterns of trials' names: paths in whose parts `*` stands for any text.
//!
//! A `*` never reaches over a slash, so that a pattern says which suite and which peers it is about.

use crate::outcome::trial::TrialName;

/// Whether each part of the trial's name is as the pattern's part there.
pub(crate) fn matches(pattern: &str, trial: &TrialName) -> bool {
    let trial = trial.to_string();
    let mut parts = trial.split('/');
    pattern.split('/').all(|pattern| parts.next().is_some_and(|part| glob(pattern, part)))
        && parts.next().is_none()
}

/// Whether `text` is `pattern` with each `*` replaced by some text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
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
