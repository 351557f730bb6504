//! A canonical form of messages: two messages are equal exactly if their canonical forms have equal bytes.
//!
//! `DynamicMessage` itself cannot be compared: NaN does not equal itself and -0.0 equals 0.0. An encoding cannot be
//! compared either, because the order of map entries is not fixed, and the content of an Any is encoded on its own.

use std::collections::HashMap;

use prost_reflect::{DynamicMessage, MapKey, ReflectMessage as _, Value};

use crate::compare::message::decode::{self, any_content, is_any};
use crate::compare::message::field::Field;
use crate::compare::message::unknown::{ByName, UnknownFields};
use crate::http2::body::checksum;

/// The canonical form of a message at this depth in the message that is compared.
pub(super) fn of_message(message: &DynamicMessage, depth: usize) -> Vec<u8> {
    let mut form = Form::default();
    form.message(message, depth);
    form.0
}

/// The canonical forms of the elements of a repeated field.
pub(super) struct Elements {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Elements {
    pub(super) fn new(values: &[Value], depth: usize) -> Self {
        let mut form = Form::default();
        let mut ends = Vec::with_capacity(values.len());
        for value in values {
            form.value(value, depth);
            ends.push(form.0.len());
        }
        Self { bytes: form.0, ends }
    }

    /// Each form, in order.
    pub(super) fn forms(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let form = |(start, end): (usize, &usize)| self.bytes.get(start..*end).unwrap_or_default();
        starts.zip(&self.ends).map(form).collect()
    }

    /// A checksum of all of them.
    pub(super) fn checksum(&self) -> u64 {
        checksum(&self.bytes)
    }
}

/// A canonical form that is being written. Each part ends where its type or its length says, so different values
/// never have the same form.
#[derive(Default)]
struct Form(Vec<u8>);

/// Ends the fields of a message.
const END: u32 = 0;

impl Form {
    fn message(&mut self, message: &DynamicMessage, depth: usize) {
        let of = message.descriptor();
        let is_any = is_any(&of);
        for field in Field::all(&of) {
            let Some(value) = field.value(message) else { continue };
            if is_any && field.number() == decode::CONTENT {
                // An empty content may equal one that is not empty, such as one with a default.
                self.content(message, &value, depth);
            } else if field.has_presence() || !is_zero(&value) {
                self.number(field.number());
                self.value(&value, depth);
            }
        }
        self.number(END);
        let unknown = UnknownFields::of(message);
        self.unknown(&unknown.fields);
        self.length(unknown.entries.len());
        for ((map, key), fields) in &unknown.entries {
            self.number(*map);
            self.value(&key.clone().into(), depth);
            self.unknown(fields);
        }
    }

    fn unknown(&mut self, fields: &ByName<'_>) {
        let mut encoded = Vec::new();
        for field in fields.values().flatten() {
            // The encoder writes every varint in its shortest form.
            field.encode(&mut encoded);
        }
        self.bytes(&encoded);
    }

    /// The content of an Any: by its fields, or as bytes if it cannot be decoded.
    fn content(&mut self, any: &DynamicMessage, value: &Value, depth: usize) {
        let content = any_content(any, depth);
        self.0.push(u8::from(content.is_some()));
        match content {
            Some(content) => self.message(&content, depth + 1),
            None => self.value(value, depth),
        }
    }

    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Bool(value) => self.0.push(u8::from(*value)),
            Value::I32(value) | Value::EnumNumber(value) => self.0.extend(value.to_le_bytes()),
            Value::I64(value) => self.0.extend(value.to_le_bytes()),
            Value::U32(value) => self.0.extend(value.to_le_bytes()),
            Value::U64(value) => self.0.extend(value.to_le_bytes()),
            Value::F32(value) => self.0.extend(value.to_bits().to_le_bytes()),
            Value::F64(value) => self.0.extend(value.to_bits().to_le_bytes()),
            Value::String(value) => self.bytes(value.as_bytes()),
            Value::Bytes(value) => self.bytes(value),
            Value::Message(message) => self.message(message, depth + 1),
            Value::List(values) => {
                self.length(values.len());
                for value in values {
                    self.value(value, depth);
                }
            }
            Value::Map(entries) => {
                self.length(entries.len());
                for (key, value) in sorted(entries) {
                    self.value(&key.clone().into(), depth);
                    self.value(value, depth);
                }
            }
        }
    }

    fn number(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    fn length(&mut self, length: usize) {
        self.0.extend(length.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend(bytes);
    }
}

/// The entries of a map in the order of their keys.
pub(super) fn sorted(entries: &HashMap<MapKey, Value>) -> Vec<(&MapKey, &Value)> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

/// Whether a field without presence has this value if it is absent. All its bits are zero, so -0.0 is not meant.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        // The first value of an open enum has the number 0, and fields of a closed one have presence.
        Value::I32(value) | Value::EnumNumber(value) => *value == 0,
        Value::I64(value) => *value == 0,
        Value::U32(value) => *value == 0,
        Value::U64(value) => *value == 0,
        Value::F32(value) => value.to_bits() == 0,
        Value::F64(value) => value.to_bits() == 0,
        Value::String(value) => value.is_empty(),
        Value::Bytes(value) => value.is_empty(),
        Value::Message(_) => false,
        Value::List(values) => values.is_empty(),
        Value::Map(entries) => entries.is_empty(),
    }
}
