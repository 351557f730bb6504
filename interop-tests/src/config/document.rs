//! TOML and JSON files as one kind of tree, in which every value has its place in the file.
//!
//! serde forgets the places of values that are kept for later, such as the fields of a message. Their type is known
//! only after the file has been read, so an error in one of them could not name its line.

use std::fmt::{self, Display};
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use toml::de::{DeInteger, DeTable, DeValue};

/// A value in a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// The range of bytes in the file; empty if it is not known.
    pub(crate) span: Range<usize>,
    pub(crate) content: Content,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Only in JSON.
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    String(String),
    /// Only in TOML.
    Datetime(String),
    List(Vec<Node>),
    /// The entries in the order of the file.
    Table(Vec<(Key, Node)>),
}

/// The key of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) span: Range<usize>,
    pub(crate) name: String,
}

/// What is wrong at a place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
}

/// The entries of a table whose keys are known.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    span: Range<usize>,
    entries: &'a [(Key, Node)],
}

impl Wrong {
    pub(crate) fn new(span: &Range<usize>, message: impl Display) -> Self {
        Self { span: span.clone(), message: message.to_string() }
    }
}

impl Node {
    /// Reads a TOML file.
    pub(crate) fn of_toml(text: &str) -> Result<Self, Wrong> {
        let table = DeTable::parse(text).map_err(|error| Wrong {
            span: error.span().unwrap_or_default(),
            message: error.message().to_owned(),
        })?;
        let span = table.span();
        Ok(Self { span: span.clone(), content: entries(table.get_ref(), &span)? })
    }

    /// Reads a JSON file.
    pub(crate) fn of_json(text: &str) -> Result<Self, Wrong> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
            let before = text.split_inclusive('\n').take(error.line().saturating_sub(1));
            let at = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
            Wrong::new(&(at..at), error)
        })?;
        of_raw(raw, text)
    }

    /// A value whose place is not known.
    pub(crate) fn of_value(value: &toml::Value) -> Self {
        let content = match value {
            toml::Value::String(text) => Content::String(text.clone()),
            toml::Value::Integer(number) => Content::Integer((*number).into()),
            toml::Value::Float(number) => Content::Float(*number),
            toml::Value::Boolean(value) => Content::Bool(*value),
            toml::Value::Datetime(time) => Content::Datetime(time.to_string()),
            toml::Value::Array(values) => {
                Content::List(values.iter().map(Self::of_value).collect())
            }
            toml::Value::Table(table) => return Self::of_table(table),
        };
        Self { span: 0..0, content }
    }

    /// A table whose place is not known.
    pub(crate) fn of_table(table: &toml::Table) -> Self {
        let entry = |(name, value): (&String, &toml::Value)| {
            (Key { span: 0..0, name: name.clone() }, Self::of_value(value))
        };
        Self { span: 0..0, content: Content::Table(table.iter().map(entry).collect()) }
    }

    /// An error about this value.
    pub(crate) fn wrong(&self, message: impl Display) -> Wrong {
        Wrong::new(&self.span, message)
    }

    /// The entries of a table that may have only these keys. `what` is a name for it, such as `a case`.
    pub(crate) fn entries(&self, what: &str, keys: &[&str]) -> Result<Entries<'_>, Wrong> {
        let Content::Table(entries) = &self.content else {
            return Err(self.wrong(format!("{what} must be a table")));
        };
        if let Some((key, _)) = entries.iter().find(|(key, _)| !keys.contains(&&*key.name)) {
            let message =
                format!("{what} has no key `{}`; its keys are `{}`", key.name, keys.join("`, `"));
            return Err(Wrong::new(&key.span, message));
        }
        Ok(Entries { span: self.span.clone(), entries })
    }

    /// The elements of a list.
    pub(crate) fn list(&self, what: &str) -> Result<&[Self], Wrong> {
        match &self.content {
            Content::List(nodes) => Ok(nodes),
            _ => Err(self.wrong(format!("{what} must be a list"))),
        }
    }

    /// The text of a string.
    pub(crate) fn text(&self, what: &str) -> Result<&str, Wrong> {
        match &self.content {
            Content::String(text) => Ok(text),
            _ => Err(self.wrong(format!("{what} must be a string"))),
        }
    }
}

impl<'a> Entries<'a> {
    pub(crate) fn get(&self, name: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    pub(crate) fn required(&self, what: &str, name: &str) -> Result<&'a Node, Wrong> {
        self.get(name).ok_or_else(|| Wrong::new(&self.span, format!("{what} needs a `{name}`")))
    }
}

fn entries(table: &DeTable<'_>, around: &Range<usize>) -> Result<Content, Wrong> {
    let mut entries = Vec::new();
    for (key, value) in table {
        let span = if value.span().is_empty() { around.clone() } else { value.span() };
        let key = Key { span: key.span(), name: key.get_ref().to_string() };
        entries.push((key, of_toml_value(value.get_ref(), span)?));
    }
    // The parser sorts the keys.
    entries.sort_by_key(|(key, _)| key.span.start);
    Ok(Content::Table(entries))
}

fn of_toml_value(value: &DeValue<'_>, span: Range<usize>) -> Result<Node, Wrong> {
    let content = match value {
        DeValue::String(text) => Content::String(text.to_string()),
        DeValue::Integer(number) => Content::Integer(
            integer(number).ok_or_else(|| Wrong::new(&span, "the number is too large"))?,
        ),
        DeValue::Float(number) => Content::Float(
            number.as_str().parse().map_err(|_| Wrong::new(&span, "this is not a number"))?,
        ),
        DeValue::Boolean(value) => Content::Bool(*value),
        DeValue::Datetime(time) => Content::Datetime(time.to_string()),
        DeValue::Array(values) => {
            let values = values.iter().map(|it| of_toml_value(it.get_ref(), it.span()));
            Content::List(values.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => entries(table, &span)?,
    };
    Ok(Node { span, content })
}

fn integer(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The entries of a JSON object, in the order of the file.
struct RawEntries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawEntries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = RawEntries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(RawEntries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// The value that is written as `raw`, which is a part of `text`.
fn of_raw(raw: &RawValue, text: &str) -> Result<Node, Wrong> {
    let json = raw.get();
    let start = json.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let span = start..start + json.len();
    let wrong = |error: serde_json::Error| Wrong::new(&span, error);
    let content = match json.as_bytes().first() {
        Some(b'{') => {
            let RawEntries(raw) = serde_json::from_str(json).map_err(wrong)?;
            let mut entries: Vec<(Key, Node)> = Vec::new();
            for (name, value) in raw {
                let node = of_raw(value, text)?;
                if entries.iter().any(|(key, _)| key.name == name) {
                    return Err(node.wrong(format!("the key `{name}` is there twice")));
                }
                entries.push((Key { span: node.span.clone(), name }, node));
            }
            Content::Table(entries)
        }
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(json).map_err(wrong)?;
            Content::List(values.into_iter().map(|it| of_raw(it, text)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Content::String(serde_json::from_str(json).map_err(wrong)?),
        Some(b't' | b'f') => Content::Bool(serde_json::from_str(json).map_err(wrong)?),
        Some(b'n') => Content::Null,
        _ => match json.parse() {
            Ok(number) if json != "-0" => Content::Integer(number),
            _ => Content::Float(serde_json::from_str(json).map_err(wrong)?),
        },
    };
    Ok(Node { span, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "b = 18446744073709551615\na = { x = -0.0, y = [true, 1979-05-27] }\n\
                        [[case]]\nname = 'x'\n[[case]]\nname = 'y'\n";
    const JSON: &str = "{\n \"b\": 18446744073709551615,\n \"a\": {\"x\": -0.0, \"y\": [true, null]},\n\
                        \"c\": \"\\u00e4\"}";

    /// The line of each entry of a table, by its key.
    fn lines(node: &Node, text: &str) -> Vec<(String, usize)> {
        let Content::Table(entries) = &node.content else { panic!("{node:?}") };
        let line = |node: &Node| text[..node.span.start].matches('\n').count() + 1;
        entries.iter().map(|(key, node)| (key.name.clone(), line(node))).collect()
    }

    fn of<'a>(node: &'a Node, name: &str) -> &'a Node {
        let Content::Table(entries) = &node.content else { panic!("{node:?}") };
        &entries.iter().find(|(key, _)| key.name == name).expect(name).1
    }

    #[test]
    fn values_have_their_places() {
        let toml = Node::of_toml(TOML).expect("it is valid");
        let expected =
            [("b", 1), ("a", 2), ("case", 3)].map(|(name, line)| (name.to_owned(), line));
        assert_eq!(lines(&toml, TOML), expected);
        let cases = of(&toml, "case").list("cases").expect("it is a list");
        let starts = cases.iter().map(|case| TOML[..case.span.start].matches('\n').count() + 1);
        assert_eq!(starts.collect::<Vec<_>>(), [3, 5]);
        let json = Node::of_json(JSON).expect("it is valid");
        let expected = [("b", 2), ("a", 3), ("c", 4)].map(|(name, line)| (name.to_owned(), line));
        assert_eq!(lines(&json, JSON), expected);
        assert_eq!(of(&json, "c").content, Content::String("ä".to_owned()));
    }

    #[test]
    fn numbers_are_exact() {
        for node in [Node::of_toml(TOML), Node::of_json(JSON)] {
            let node = node.expect("it is valid");
            assert_eq!(of(&node, "b").content, Content::Integer(u64::MAX.into()));
            let Content::Float(zero) = of(of(&node, "a"), "x").content else { panic!("{node:?}") };
            assert_eq!(zero.to_bits(), (-0.0_f64).to_bits());
        }
    }

    #[test]
    fn an_error_has_its_place() {
        let toml = Node::of_toml("a = 1\nb = ").expect_err("it is not valid");
        assert!(toml.span.start >= 6, "{toml:?}");
        let json = Node::of_json("{\n\"a\": 1,\n\"b\": }").expect_err("it is not valid");
        assert_eq!(json.span.start, 15, "{json:?}");
        let twice = Node::of_json("{\"a\": 1,\n\"a\": 2}").expect_err("it is not valid");
        assert_eq!(twice.message, "the key `a` is there twice");
        let unknown = Node::of_toml("a = 1\nc = 2").expect("it is valid");
        let unknown = unknown.entries("a file", &["a", "b"]).expect_err("it is not valid");
        assert_eq!(unknown, Wrong::new(&(6..7), "a file has no key `c`; its keys are `a`, `b`"));
    }
}
