//! Reads the cases of a suite from its TOML files.
//!
//! Names are checked across all files of a suite, because a name picks a case whatever file it is in.

use std::collections::BTreeSet;

use toml::Spanned;

use crate::config::source::{ConfigError, Source};

/// Checks a name by itself.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['/', '*', ' ', '[', ']']) {
        return Err("a name is a part of a path: not empty, no `/`, `*` or space".to_owned());
    }
    Ok(())
}

/// Reads the cases of all `sources`: `parse` reads a file, and `checked` gives the name of a case and the result
/// of its check.
pub(crate) fn read_all<C>(
    kind: &str,
    sources: impl IntoIterator<Item = Result<Source, ConfigError>>,
    parse: impl Fn(&Source) -> Result<Vec<C>, ConfigError>,
    checked: impl Fn(&C) -> (&Spanned<String>, Result<(), String>),
) -> anyhow::Result<Vec<C>> {
    let (mut all, mut names) = (Vec::new(), BTreeSet::new());
    for source in sources {
        let source = source?;
        let cases = parse(&source)?;
        for (spanned, checked) in cases.iter().map(&checked) {
            let name = spanned.get_ref();
            let wrong = |message| Err(source.error(Some(spanned.span()), message));
            if let Err(message) = checked {
                wrong(format!("{kind} `{name}`: {message}"))?;
            }
            if !names.insert(name.clone()) {
                wrong(format!("there already is a {kind} `{name}`"))?;
            }
        }
        all.extend(cases);
    }
    Ok(all)
}
