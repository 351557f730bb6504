//! Values as short text for people.
//!
//! Two values that differ must not have the same text. So every character outside ASCII is escaped, which shows the
//! two normal forms of é, and a shortened value is followed by its size and checksum.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use grpc_interop_protocol::hex;
use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage as _, UnknownField, Value};

use crate::compare::message::canonical::{self, sorted};
use crate::compare::message::decode::{TYPE_URL, any_content, is_any};
use crate::compare::message::field::{Field, kind_of_map_values};
use crate::compare::message::path::{FieldPath, Segment};
use crate::compare::message::unknown::UnknownFields;
use crate::compare::message::wire::{self, Payload};
use crate::http2::body::checksum;

/// The text of a value that does not exist.
pub(crate) const ABSENT: &str = "(absent)";

/// The most characters of a string that are shown.
const LONGEST_STRING: usize = 64;

/// The most bytes that are shown in hex.
const MOST_BYTES: usize = 32;

/// The length of the text of a message or a list after which the rest is left out.
const LONGEST: usize = 160;

/// A value of a field of this kind.
pub(super) fn shown(value: &Value, kind: &Kind) -> String {
    let mut text = Text::default();
    text.value(value, kind);
    let Text { text, is_shortened } = text;
    if !is_shortened {
        return text;
    }
    let form = canonical::Elements::new(std::slice::from_ref(value), 0).checksum();
    format!("{text} (checksum {form:016x})")
}

/// A float with its bits.
pub(super) fn float_with_bits(value: &Value) -> String {
    match value {
        Value::F32(value) => format!("{value:?} (0x{:08x})", value.to_bits()),
        Value::F64(value) => format!("{value:?} (0x{:016x})", value.to_bits()),
        other => format!("{other:?}"),
    }
}

/// The key of a map.
pub(super) fn shown_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => quoted(key),
    }
}

/// The values of all unknown fields with one number. Their types are not known, only how they are encoded.
pub(super) fn shown_unknown(fields: &[Cow<'_, UnknownField>]) -> String {
    let mut encoded = Vec::new();
    for field in fields {
        field.encode(&mut encoded);
    }
    let mut shown = String::new();
    for field in wire::fields(&encoded).unwrap_or_default() {
        if !shown.is_empty() {
            shown.push_str(", ");
        }
        if shown.len() > LONGEST {
            let (count, checksum) = (fields.len(), checksum(&encoded));
            let _ = write!(shown, "\u{2026} ({count} values, checksum {checksum:016x})");
            return shown;
        }
        // Writing to a string does not fail.
        let _ = match field.payload {
            Payload::Varint(value) => write!(shown, "varint {value}"),
            Payload::Fixed(bytes) => {
                let big_endian: Vec<_> = bytes.iter().rev().copied().collect();
                write!(shown, "fixed 0x{}", hex::encode(&big_endian))
            }
            Payload::LengthDelimited(bytes) => write!(shown, "{}", shown_bytes(bytes)),
            Payload::Group(bytes) => write!(shown, "group {}", shown_bytes(bytes)),
        };
    }
    shown
}

/// A string in quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for character in text.chars().take(LONGEST_STRING) {
        match character {
            '\'' => shown.push('\''),
            other => shown.extend(other.escape_default()),
        }
    }
    if text.chars().nth(LONGEST_STRING).is_some() {
        let (length, checksum) = (text.len(), checksum(text.as_bytes()));
        let _ = write!(shown, "\u{2026}\" ({length} bytes, checksum {checksum:016x})");
    } else {
        shown.push('"');
    }
    shown
}

/// Bytes in hex.
pub(super) fn shown_bytes(bytes: &[u8]) -> String {
    match bytes.split_at_checked(MOST_BYTES) {
        Some((shown, [_, ..])) => {
            let (length, checksum) = (bytes.len(), checksum(bytes));
            format!("h'{}\u{2026}' ({length} bytes, checksum {checksum:016x})", hex::encode(shown))
        }
        _ => format!("h'{}'", hex::encode(bytes)),
    }
}

/// A part of a message that is shown: a field, or all unknown fields with one path.
enum Part<'a> {
    Field(Field, Cow<'a, Value>),
    Unknown(Vec<Segment>, Vec<Cow<'a, UnknownField>>),
}

/// A text that ends after a certain length.
#[derive(Default)]
struct Text {
    text: String,
    is_shortened: bool,
}

impl Text {
    fn value(&mut self, value: &Value, kind: &Kind) {
        match value {
            Value::Bool(value) => self.push(&value.to_string()),
            Value::I32(value) => self.push(&value.to_string()),
            Value::I64(value) => self.push(&value.to_string()),
            Value::U32(value) => self.push(&value.to_string()),
            Value::U64(value) => self.push(&value.to_string()),
            Value::F32(number) => self.float(value, number, f64::from(*number)),
            Value::F64(number) => self.float(value, number, *number),
            Value::String(value) => self.push(&quoted(value)),
            Value::Bytes(value) => self.push(&shown_bytes(value)),
            Value::EnumNumber(number) => self.enum_number(*number, kind),
            Value::Message(message) => self.message(message),
            Value::List(values) => {
                self.list(["[", "]"], values, |text, value| text.value(value, kind));
            }
            Value::Map(entries) => {
                let Some(kind) = kind_of_map_values(kind) else { return };
                self.list(["{", "}"], sorted(entries), |text, (key, value)| {
                    text.push(&shown_key(key));
                    text.push(": ");
                    text.value(value, &kind);
                });
            }
        }
    }

    /// A float, which is also `number` and has the text `shown`.
    fn float(&mut self, value: &Value, shown: &dyn fmt::Debug, number: f64) {
        if number.is_nan() || number == 0.0 && number.is_sign_negative() {
            self.push(&float_with_bits(value));
        } else {
            self.push(&format!("{shown:?}"));
        }
    }

    fn enum_number(&mut self, number: i32, kind: &Kind) {
        let value = kind.as_enum().and_then(|of| of.get_value(number));
        self.push(&match value {
            Some(value) => format!("{} ({number})", value.name()),
            None => format!("unknown ({number})"),
        });
    }

    /// The fields that are set, as in JSON without quotes at names.
    fn message(&mut self, message: &DynamicMessage) {
        if self.is_shortened || is_any(&message.descriptor()) && self.any(message) {
            return;
        }
        let of = message.descriptor();
        let fields = Field::all(&of).filter_map(|field| {
            let value = field.value(message)?;
            let is_shown = field.has_presence() || !canonical::is_zero(&value);
            is_shown.then_some(Part::Field(field, value))
        });
        let UnknownFields { fields: unknown, entries } = UnknownFields::of(message);
        let unknown = unknown.into_iter().map(|(name, fields)| (vec![name], fields));
        let of_entries = entries.into_iter().flat_map(|((map, key), fields)| {
            let map = Field::with_number(&of, map).map(|map| Segment::Field(map.name()));
            let path: Vec<_> = map.into_iter().chain([Segment::Key(shown_key(&key))]).collect();
            fields.into_iter().map(move |(name, fields)| ([&path[..], &[name]].concat(), fields))
        });
        let unknown = unknown.chain(of_entries).map(|(path, fields)| Part::Unknown(path, fields));
        self.list(["{", "}"], fields.chain(unknown), |text, part| match part {
            Part::Field(field, value) => {
                text.push(&field.name());
                text.push(": ");
                text.value(&value, &field.kind());
            }
            Part::Unknown(path, fields) => {
                let path = path.into_iter().collect::<FieldPath>();
                text.push(&format!("{path}: "));
                text.push(&shown_unknown(&fields));
            }
        });
    }

    /// An Any with its content, as `["type URL"] {content}`. Returns whether the content is known. The length of the
    /// text also limits how deep this is.
    fn any(&mut self, any: &DynamicMessage) -> bool {
        if any.unknown_fields().next().is_some() {
            return false;
        }
        let Some(content) = any_content(any, 0) else { return false };
        let type_url = any.get_field_by_number(TYPE_URL);
        let type_url = type_url.as_deref().and_then(Value::as_str).unwrap_or_default();
        self.push(&format!("[{}] ", quoted(type_url)));
        self.message(&content);
        true
    }

    /// Items between brackets, until the text is long.
    fn list<T>(
        &mut self,
        [open, close]: [&str; 2],
        items: impl IntoIterator<Item = T>,
        mut add: impl FnMut(&mut Self, T),
    ) {
        self.push(open);
        for (index, item) in items.into_iter().enumerate() {
            if self.is_shortened {
                return;
            }
            if index > 0 {
                self.push(", ");
            }
            add(self, item);
        }
        if !self.is_shortened {
            self.text.push_str(close);
        }
    }

    fn push(&mut self, text: &str) {
        // The first value is complete: a string and bytes are already short.
        if !self.text.is_empty() && self.text.len() + text.len() > LONGEST {
            self.end();
        }
        if !self.is_shortened {
            self.text.push_str(text);
        }
    }

    /// Leaves out the rest.
    fn end(&mut self) {
        if !self.is_shortened {
            self.text.push('\u{2026}');
            self.is_shortened = true;
        }
    }
}
