//! Families of entries: one that is written once and read for each of several values.
//!
//! Done on the text, before it is read as TOML, so that a number can stand where a number has to; and
//! line by line in place, so that an error still names the line where it is.

use serde::Deserialize;

use crate::config::source::{ConfigError, Source};

/// The line that begins an entry.
const HEAD: &str = "[[behaviour]]";

/// How the line begins that makes an entry a family.
const FOR: &str = "for = [";

/// The entries of `source`, each as a file of its own that has its lines where they were.
pub(crate) fn entries(source: &Source) -> Result<Vec<Source>, ConfigError> {
    let lines: Vec<_> = source.text().lines().collect();
    let mut starts: Vec<_> = (0..lines.len()).filter(|line| lines[*line].trim() == HEAD).collect();
    // What stands before the first entry is read too: it may be a key that belongs nowhere.
    starts.insert(0, 0);
    starts.push(lines.len());
    let mut entries = Vec::new();
    for pair in starts.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let text = "\n".repeat(start) + &lines[start..end].join("\n");
        let entry = source.with_text(text);
        match lines[start..end].iter().position(|line| line.starts_with(FOR)) {
            None => entries.push(entry),
            Some(at) => entries.extend(members(&entry, start + at)?),
        }
    }
    Ok(entries)
}

/// What stands for `{}`, or for `{0}` and `{1}` and so on.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(Value),
    Several(Vec<Value>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    r#for: Vec<Values>,
}

/// The members of the family `entry`, whose key is in line `at` and goes on to the first line that
/// ends with `]`.
fn members(entry: &Source, at: usize) -> Result<Vec<Source>, ConfigError> {
    let mut lines: Vec<_> = entry.text().lines().map(str::to_owned).collect();
    let closes = |line: &String| line.trim_end().ends_with(']');
    let length = lines[at..].iter().position(closes).map_or(lines.len() - at, |last| last + 1);
    let key = "\n".repeat(at) + &lines[at..at + length].join("\n");
    let Key { r#for: values } = entry.with_text(key).parse()?;
    lines[at..at + length].fill(String::new());
    let text = lines.join("\n");
    Ok(values.iter().map(|values| entry.with_text(values.fill_in(&text))).collect())
}

impl Values {
    fn fill_in(&self, text: &str) -> String {
        match self {
            Self::One(value) => text.replace("{}", &value.shown()),
            Self::Several(values) => (0..).zip(values).fold(text.to_owned(), |text, (n, value)| {
                text.replace(&format!("{{{n}}}"), &value.shown())
            }),
        }
    }
}

impl Value {
    fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}
