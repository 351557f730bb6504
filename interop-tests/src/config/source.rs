//! The harness's TOML files: reading them, and errors that name file, line and key.
//!
//! A typing error in a table must not make a case silently vanish, so unknown keys are errors and
//! nothing runs until every file has been read.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::DeTable;

use crate::config::embedded;

/// A file and its text, to say where in it something is wrong.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    text: String,
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub struct ConfigError {
    path: PathBuf,
    line: Option<(usize, String)>,
    message: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.line {
            None => write!(f, "{}: {}", self.path.display(), self.message),
            Some((number, text)) => {
                write!(f, "{}:{number}: {}\n    {text}", self.path.display(), self.message)
            }
        }
    }
}

/// All `*.toml` files in `directory`, in the order of their names.
pub fn tables_in(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if embedded::contains(directory) {
        return Ok(embedded::files_in(directory));
    }
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(|error| anyhow::anyhow!("{}: cannot be read: {error}", directory.display()))?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

/// The text of the file at `path`, which can be one that is built into the tool.
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

    /// The file at `path` and its text, whatever that says.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        let path = path.to_owned();
        match read_text(&path) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => {
                let message = format!("cannot be read: {error}");
                Err(ConfigError { path, line: None, message })
            }
        }
    }

    /// A file with this text.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(&self.text).map_err(|error| self.error(error.span(), error.message()))
    }

    /// Deserializes the document after `change`, whose error is a range of bytes and a message.
    pub fn parse_changed<T: DeserializeOwned>(
        &self,
        change: impl FnOnce(&mut DeTable<'_>) -> Result<(), (Range<usize>, &'static str)>,
    ) -> Result<T, ConfigError> {
        let wrong = |error: toml::de::Error| self.error(error.span(), error.message());
        let mut document = DeTable::parse(&self.text).map_err(wrong)?;
        change(document.get_mut()).map_err(|(span, message)| self.error(Some(span), message))?;
        T::deserialize(toml::Deserializer::from(document)).map_err(wrong)
    }

    /// An error at `span`, a range of bytes of this file.
    pub fn error(&self, span: Option<Range<usize>>, message: impl Into<String>) -> ConfigError {
        let line = span.map(|span| {
            let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
            let number = before.split(|byte| *byte == b'\n').count();
            let text = self.text.lines().nth(number - 1).unwrap_or_default().trim();
            (number, text.to_owned())
        });
        ConfigError { path: self.path.clone(), line, message: message.into() }
    }
}
