//! Messages in a case file: tables, files in the text format, and hex digits.
//!
//! Messages without captured values are encoded once, when the file is read.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use grpc_interop_protocol::hex;
use miette::Diagnostic as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use crate::compare::user::captured::Captured;
use crate::compare::user::fields;
use crate::compare::user::template::Template;
use crate::config::document::{Content, Node, Wrong};
use crate::config::message_encoding::encode;
use crate::config::message_table;

/// The most messages of one call.
const MOST: i128 = 1_000_000;

/// The messages of a call, in order.
#[derive(Clone, Debug)]
pub(super) struct Messages {
    of: MessageDescriptor,
    entries: Vec<Entry>,
    /// The paths of the fields that they set.
    pub(super) fields: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Entry {
    times: usize,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Encoded(Bytes),
    /// A table with the names of captured values.
    Table(Node),
}

/// Where a message is read.
pub(super) struct Reader<'a> {
    /// The folder of the case file.
    pub(super) folder: &'a Path,
    /// Values like those that earlier steps capture.
    pub(super) captured: &'a Captured,
}

impl Messages {
    /// No messages.
    pub(super) fn none(of: MessageDescriptor) -> Self {
        Self { of, entries: Vec::new(), fields: BTreeSet::new() }
    }

    /// One empty message.
    pub(super) fn empty(of: MessageDescriptor) -> Self {
        let mut messages = Self::none(of);
        messages.entries.push(Entry { times: 1, source: Source::Encoded(Bytes::new()) });
        messages
    }

    /// Adds the message or messages that `node` stands for.
    pub(super) fn add(&mut self, node: &Node, reader: &Reader<'_>) -> Result<(), Wrong> {
        let (times, each) = self.repeated(node)?.unwrap_or((1, node));
        let source = match &each.content {
            Content::String(text) => {
                let message = match text.strip_prefix("hex:") {
                    Some(digits) => {
                        let digits: String = digits.split_whitespace().collect();
                        hex::decode(&digits).map_err(|error| {
                            each.wrong(format!("`{text}` must be hex digits: {error}"))
                        })?
                    }
                    None => encode(&self.of_text(each, text, reader)?),
                };
                if let Ok(message) = DynamicMessage::decode(self.of.clone(), &message[..]) {
                    self.fields.extend(fields::set_in(&message));
                }
                Source::Encoded(message.into())
            }
            Content::Table(_) => {
                let (message, is_fixed) = self.of_table(each, reader.captured)?;
                self.fields.extend(fields::set_in(&message));
                if is_fixed {
                    Source::Encoded(encode(&message).into())
                } else {
                    Source::Table(each.clone())
                }
            }
            _ => return Err(each.wrong(NOTATIONS)),
        };
        self.entries.push(Entry { times, source });
        Ok(())
    }

    /// How often which message is repeated, if `node` says so.
    fn repeated<'n>(&self, node: &'n Node) -> Result<Option<(usize, &'n Node)>, Wrong> {
        let Content::Table(entries) = &node.content else { return Ok(None) };
        let get = |name: &str| entries.iter().find(|(key, _)| key.name == name);
        let (Some((_, times)), Some((_, each)), 2) = (get("times"), get("each"), entries.len())
        else {
            return Ok(None);
        };
        if self.of.get_field_by_name("each").is_some() {
            return Ok(None);
        }
        match times.content {
            Content::Integer(number @ 1..=MOST) => {
                Ok(usize::try_from(number).ok().map(|number| (number, each)))
            }
            _ => Err(times.wrong(format!("`times` must be a number from 1 to {MOST}"))),
        }
    }

    /// The message in a file in the text format.
    fn of_text(
        &self,
        node: &Node,
        name: &str,
        reader: &Reader<'_>,
    ) -> Result<DynamicMessage, Wrong> {
        if Path::new(name).extension().is_none_or(|extension| extension != "txtpb") {
            return Err(node.wrong(NOTATIONS));
        }
        let path = reader.folder.join(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| node.wrong(format!("cannot read {}: {error}", path.display())))?;
        DynamicMessage::parse_text_format(self.of.clone(), &text).map_err(|error| {
            let label = error.labels().and_then(|mut labels| labels.next());
            let before = label.and_then(|label| text.get(..label.offset()));
            let line = before.unwrap_or(&text).matches('\n').count() + 1;
            let of = self.of.full_name();
            node.wrong(format!("{}:{line}: this is not a {of}: {error}", path.display()))
        })
    }

    /// The message that a table stands for, and whether it contains no captured values.
    fn of_table(&self, node: &Node, captured: &Captured) -> Result<(DynamicMessage, bool), Wrong> {
        let is_fixed = Cell::new(true);
        let replace = |text: &str| {
            let template = Template::parse(text)?;
            is_fixed.set(is_fixed.get() && !template.has_names());
            template.replaced(captured)
        };
        let message = message_table::message(node, &self.of, &replace)?;
        Ok((message, is_fixed.get()))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.times).fold(0, usize::saturating_add)
    }

    /// The encoded messages with these captured values. The error says why a value does not fit.
    pub(super) fn encoded(&self, captured: &Captured) -> Result<Vec<Bytes>, String> {
        let mut all = Vec::new();
        for Entry { times, source } in &self.entries {
            let message = match source {
                Source::Encoded(message) => message.clone(),
                Source::Table(node) => {
                    let table = self.of_table(node, captured).map_err(|wrong| wrong.message)?;
                    encode(&table.0).into()
                }
            };
            all.extend(std::iter::repeat_n(message, *times));
        }
        Ok(all)
    }
}

const NOTATIONS: &str = "a message must be a table with its fields, the name of a .txtpb file, or \"hex:\" and hex digits";

#[cfg(test)]
mod tests {
    use prost_reflect::{Kind, Value};

    use super::*;
    use crate::compare::test_service;
    use crate::compare::user::captured::CapturedValue;

    fn captured(value: Value, kind: Kind) -> Captured {
        let mut captured = Captured::default();
        captured.insert("it", CapturedValue { value, kind });
        captured
    }

    /// The messages of `table`, and those with other captured values.
    fn read(table: &str) -> Result<[Vec<String>; 2], String> {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("cannot write a file");
        };
        write(
            "pen.txtpb",
            "# proto-message: shop.Item\nname: \"pen\"\nprice: -0.0\nparts { name: \"{it}\" }",
        );
        write("wrong.txtpb", "name: \"pen\"\n\ncolor: RED");
        let sample = captured(Value::I32(0), Kind::Int32);
        let text = format!("message = {table}");
        let node = Node::of_toml(&text).expect("it is valid TOML");
        let entries = node.entries("a file", &["message"]).expect("it has one key");
        let reader = Reader { folder: folder.path(), captured: &sample };
        let mut messages = Messages::none(test_service::method("Get").input());
        let added = messages.add(entries.get("message").expect("it is there"), &reader);
        let folder = folder.path().display().to_string();
        added.map_err(|wrong| wrong.message.replace(&folder, "FOLDER"))?;
        let hex = |captured: &Captured| {
            let encoded = messages.encoded(captured).expect("it fits");
            assert_eq!(encoded.len(), messages.count());
            encoded.iter().map(|bytes| hex::encode(bytes)).collect()
        };
        Ok([hex(&sample), hex(&captured(Value::I32(7), Kind::Int32))])
    }

    fn same(table: &str) -> Vec<String> {
        let [one, other] = read(table).expect(table);
        assert_eq!(one, other);
        one
    }

    #[test]
    fn a_message_has_three_notations() {
        assert_eq!(same("{ name = 'pen' }"), ["0a0370656e"]);
        assert_eq!(same("'hex: 0a03 70656e'"), ["0a0370656e"]);
        assert_eq!(
            same("'pen.txtpb'"),
            ["0a0370656e1100000000000000802206".to_owned() + "0a047b69747d"]
        );
        assert_eq!(same("{ times = 2, each = { name = 'a' } }"), ["0a0161", "0a0161"]);
    }

    #[test]
    fn captured_values_are_set() {
        let [sample, other] =
            read("{ name = 'n{it}', price = '{it}', stock = { a = '{it}' } }").expect("it fits");
        assert_eq!(sample, ["0a026e302a050a01611000"]);
        assert_eq!(other, ["0a026e37110000000000001c402a050a01611007"]);
        assert_eq!(same("{ name = '{{it}' }"), ["0a047b69747d"]);
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        for (table, message) in [
            ("'pen'", "a message must be a table with its fields, the name of a .txtpb file"),
            ("7", "a message must be a table with its fields"),
            ("'hex:0a0'", "`hex:0a0` must be hex digits"),
            ("'none.txtpb'", "cannot read FOLDER/none.txtpb: No such file"),
            (
                "'wrong.txtpb'",
                "FOLDER/wrong.txtpb:3: this is not a shop.Item: field 'color' not found",
            ),
            (
                "{ colour = 'PINK' }",
                "shop.Item.colour: a shop.Colour has no value `PINK`; its values are `COLOUR_UNSPECIFIED`",
            ),
            (
                "{ name = '{id}' }",
                "shop.Item.name: no earlier step captures `id`; captured are `it`",
            ),
            ("{ parts = '{it}' }", "shop.Item.parts: a repeated field must be a list"),
            ("{ times = 0, each = {} }", "`times` must be a number from 1"),
        ] {
            let error = read(table).expect_err(table);
            assert!(error.starts_with(message), "{table}: {error}");
        }
    }
}
