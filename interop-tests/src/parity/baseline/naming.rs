//! The names of cases: parts of a trial's path, each there once.
//!
//! Checked across all files of a suite, because a name picks a case whatever file it is in.

use std::collections::BTreeSet;

use toml::Spanned;

use crate::config::source::{ConfigError, Source};

/// What is wrong with a name by itself.
pub(crate) fn check(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['/', '*', ' ', '[', ']']) {
        return Err("a name is a part of a path: not empty, no `/`, `*` or space".to_owned());
    }
    Ok(())
}

/// Takes up the cases of `source`, each with what came of checking it, into the `names` there are.
pub(crate) fn take_up<'a>(
    kind: &str,
    cases: impl IntoIterator<Item = (&'a Spanned<String>, Result<(), String>)>,
    source: &Source,
    names: &mut BTreeSet<String>,
) -> Result<(), ConfigError> {
    for (spanned, checked) in cases {
        let name = spanned.get_ref();
        let wrong = |message: String| Err(source.error(Some(spanned.span()), message));
        if let Err(message) = checked {
            return wrong(format!("{kind} `{name}`: {message}"));
        }
        if !names.insert(name.clone()) {
            return wrong(format!("there already is a {kind} `{name}`"));
        }
    }
    Ok(())
}
