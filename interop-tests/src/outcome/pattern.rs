//! Patterns of trials' names: paths in whose parts `*` stands for any text.
//!
//! A `*` never matches a slash, so that a pattern says which suite and which peers it is about.

use crate::outcome::trial::TrialName;

/// Whether each part of the trial's name matches the part of the pattern in its place.
pub(crate) fn matches(pattern: &str, trial: &TrialName) -> bool {
    let trial = trial.to_string();
    let (mut patterns, mut parts) = (pattern.split('/'), trial.split('/'));
    patterns.all(|pattern| parts.next().is_some_and(|part| glob(pattern, part)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_within_a_part() {
        let trial = TrialName::stated("calls", "python", "rust", "tls/root-of-2".to_owned());
        for pattern in ["calls/python/rust/tls/root-of-2", "calls/*/r*t/*/*-of-*", "*/*/*/*/*"] {
            assert!(matches(pattern, &trial), "{pattern}");
        }
        for pattern in ["calls/*", "calls/*/*", "calls/python/rust/tls/root", "*/*/*/*/*/*", ""] {
            assert!(!matches(pattern, &trial), "{pattern}");
        }
    }
}
