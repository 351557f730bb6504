//! Reads TOML files and the cases in them. Errors name the file, the line and the key.
//!
//! A typing error must not silently remove a case. So unknown keys are errors, and nothing runs until all files have
//! been read.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Spanned, de::DeTable};

use crate::config::embedded;

/// A file with its path and text, for errors that name a line.
#[derive(Clone, Debug, Default)]
pub struct Source {
    path: PathBuf,
    text: String,
}

/// An error in a file. The text names the file and, if the error has a position, shows the line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// All `*.toml` files in `directory`, sorted by name.
pub(crate) fn tables_in(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if embedded::contains(directory) {
        return Ok(embedded::files_in(directory));
    }
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(|error| {
            anyhow::anyhow!("cannot read the folder {}: {error}", directory.display())
        })?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

/// Opens all `*.toml` files in `directory`, sorted by name.
pub(crate) fn open_all(
    directory: &Path,
) -> anyhow::Result<impl Iterator<Item = Result<Source, ConfigError>>> {
    Ok(tables_in(directory)?.into_iter().map(|path| Source::open(&path)))
}

/// The text of the file at `path`, which can be a built-in file.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    match embedded::text(path) {
        Some(text) => Ok(text.to_owned()),
        None => std::fs::read_to_string(path),
    }
}

impl Source {
    /// Reads the file at `path` as TOML.
    pub fn read<T: DeserializeOwned>(path: &Path) -> Result<(T, Self), ConfigError> {
        let source = Self::open(path)?;
        Ok((source.parse()?, source))
    }

    /// Reads the file at `path` as text.
    pub(crate) fn open(path: &Path) -> Result<Self, ConfigError> {
        let source = |text| Self { path: path.to_owned(), text };
        let wrong = |error| ConfigError(format!("cannot read {}: {error}", path.display()));
        read_text(path).map(source).map_err(wrong)
    }

    /// A file with this text.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Reads the text as TOML.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).map_err(|error| self.error(error.span(), error.message()))
    }

    /// Parses the text, applies `change` to the document, and deserializes it. The error of `change` is a range of
    /// bytes and a message.
    pub(crate) fn parse_changed<T: DeserializeOwned>(
        &self,
        change: impl FnOnce(&mut DeTable<'_>) -> Result<(), (Range<usize>, &'static str)>,
    ) -> Result<T, ConfigError> {
        let wrong = |error: toml::de::Error| self.error(error.span(), error.message());
        let mut document = DeTable::parse(&self.text).map_err(wrong)?;
        change(document.get_mut()).map_err(|(span, message)| self.error(Some(span), message))?;
        T::deserialize(toml::Deserializer::from(document)).map_err(wrong)
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The file and the line of `span`, such as `peers.toml:3`.
    pub(crate) fn place(&self, span: &Range<usize>) -> String {
        format!("{}:{}", self.path.display(), self.line(span))
    }

    /// The number of the line in which `span` begins.
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(span.start);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    /// An error at `span`, a range of bytes of this file.
    pub(crate) fn error(&self, span: Option<Range<usize>>, message: impl Display) -> ConfigError {
        let path = self.path.display();
        let Some(span) = span else { return ConfigError(format!("{path}: {message}")) };
        let number = self.line(&span);
        let text = self.text.lines().nth(number - 1).unwrap_or_default().trim();
        ConfigError(format!("{path}:{number}: {message}\n    {text}"))
    }
}

/// Checks the name of a case.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.contains(['/', '*', ' ', '[', ']']) {
        return Err("a name must not be empty or contain `/`, `*`, `[`, `]` or a space".to_owned());
    }
    Ok(())
}

/// Reads the cases of all `sources`. `parse` reads a file, and `checked` returns the name of a case and the result of
/// its check.
pub(crate) fn read_cases<C>(
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
                wrong(format!("there is already a {kind} `{name}`"))?;
            }
        }
        all.extend(cases);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use toml::Spanned;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Table {
        name: Spanned<String>,
    }

    fn error(text: &str) -> String {
        Source::new("a.toml", text).parse::<Table>().unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_the_file_and_shows_the_line() {
        let unknown = error("name = \"x\"\n  colour = 1  \n");
        assert!(unknown.starts_with("a.toml:2: unknown field `colour`"), "{unknown}");
        assert!(unknown.ends_with("\n    colour = 1"), "{unknown}");
        assert!(error("name = 1").starts_with("a.toml:1: invalid type: integer `1`"));
        assert!(error("\n\nname =").starts_with("a.toml:3: "));
        assert!(error("").starts_with("a.toml:1: missing field `name`"));
    }

    #[test]
    fn an_error_found_later_names_the_line_as_well() {
        let source = Source::new("a.toml", "# \u{e4}\n\nname = \"x\"");
        let table: Table = source.parse().unwrap();
        let error = source.error(Some(table.name.span()), "why").to_string();
        assert_eq!(error, "a.toml:3: why\n    name = \"x\"");
        assert_eq!(source.error(None, "why").to_string(), "a.toml: why");
    }

    #[test]
    fn the_tables_of_a_directory_are_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.toml", "a.toml", "c.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let expected = ["a.toml", "b.toml"].map(|name| folder.path().join(name));
        assert_eq!(tables_in(folder.path()).unwrap(), expected);
        let missing = folder.path().join("missing");
        assert!(
            tables_in(&missing).unwrap_err().to_string().starts_with("cannot read the folder ")
        );
        let error = Source::open(&missing).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot read {}", missing.display())), "{error}");
    }
}
