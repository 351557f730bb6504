//! Encodes a message as protobuf libraries do: fields in the order of their numbers, and lists packed as declared.
//!
//! prost-reflect leaves out a field without presence that contains -0.0, does not know `[packed = ...]` of a .proto
//! file that was compiled here, and writes map entries in a random order.

use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::ReflectMessage as _;
use prost_reflect::prost_types::FieldOptions;
use prost_reflect::{DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MapKey, Value};

/// The numbers of the fields of a map entry.
const KEY: u32 = 1;
const VALUE: u32 = 2;

/// What the encoding of a field depends on.
struct Encoding {
    number: u32,
    kind: Kind,
    is_group: bool,
    is_packed: bool,
}

impl Encoding {
    fn of_field(field: &FieldDescriptor) -> Self {
        Self {
            number: field.number(),
            kind: field.kind(),
            is_group: field.is_group(),
            is_packed: is_packed(field),
        }
    }

    fn of_extension(field: &ExtensionDescriptor) -> Self {
        let options = field.field_descriptor_proto().options.as_ref();
        Self {
            number: field.number(),
            kind: field.kind(),
            is_group: field.is_group(),
            is_packed: packed(options, field.is_packed()) && field.is_list(),
        }
    }
}

/// Whether a list is declared as packed.
pub(crate) fn is_packed(field: &FieldDescriptor) -> bool {
    let options = field.field_descriptor_proto().options.as_ref();
    packed(options, field.is_packed())
        && field.is_list()
        && !matches!(field.kind(), Kind::String | Kind::Bytes | Kind::Message(_))
}

fn packed(options: Option<&FieldOptions>, otherwise: bool) -> bool {
    // The descriptors of the .proto compiler say it only in their options.
    options.and_then(|options| options.packed).unwrap_or(otherwise)
}

/// The bytes of `message`; the same bytes for equal messages.
pub(crate) fn encode(message: &DynamicMessage) -> Vec<u8> {
    let mut fields = Vec::new();
    for field in message.descriptor().fields() {
        let value = message.get_field(&field);
        let is_set = match &*value {
            Value::List(values) => !values.is_empty(),
            Value::Map(entries) => !entries.is_empty(),
            _ if field.supports_presence() => message.has_field(&field),
            value => !is_zero(value),
        };
        if is_set {
            fields.push((field.number(), field_bytes(&Encoding::of_field(&field), &value)));
        }
    }
    for (extension, value) in message.extensions() {
        fields.push((extension.number(), field_bytes(&Encoding::of_extension(&extension), value)));
    }
    fields.sort_by_key(|(number, _)| *number);
    let mut bytes = fields.into_iter().flat_map(|(_, bytes)| bytes).collect();
    for unknown in message.unknown_fields() {
        unknown.encode(&mut bytes);
    }
    bytes
}

/// Whether all bits of a number are zero, or a text is empty.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::I32(value) | Value::EnumNumber(value) => *value == 0,
        Value::I64(value) => *value == 0,
        Value::U32(value) => *value == 0,
        Value::U64(value) => *value == 0,
        Value::F32(value) => value.to_bits() == 0,
        Value::F64(value) => value.to_bits() == 0,
        Value::String(value) => value.is_empty(),
        Value::Bytes(value) => value.is_empty(),
        Value::Message(_) | Value::List(_) | Value::Map(_) => false,
    }
}

/// A field with its tag, or all its elements or entries.
fn field_bytes(of: &Encoding, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    match value {
        Value::List(values) if of.is_packed => {
            let values: Vec<_> = values.iter().flat_map(|it| value_bytes(&of.kind, it)).collect();
            write(&mut bytes, of.number, WireType::LengthDelimited, &values);
        }
        Value::List(values) => {
            bytes.extend(values.iter().flat_map(|value| field_bytes(of, value)));
        }
        Value::Map(entries) => {
            let Kind::Message(entry) = &of.kind else { return bytes };
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            for (a_key, a_value) in entries {
                let parts = [
                    tagged(KEY, &key.kind(), &Value::from(MapKey::clone(a_key))),
                    tagged(VALUE, &value.kind(), a_value),
                ];
                write(&mut bytes, of.number, WireType::LengthDelimited, &parts.concat());
            }
        }
        Value::Message(message) if of.is_group => {
            encode_key(of.number, WireType::StartGroup, &mut bytes);
            bytes.extend(encode(message));
            encode_key(of.number, WireType::EndGroup, &mut bytes);
        }
        value => return tagged(of.number, &of.kind, value),
    }
    bytes
}

fn tagged(number: u32, kind: &Kind, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, number, kind.wire_type(), &value_bytes(kind, value));
    bytes
}

fn write(bytes: &mut Vec<u8>, number: u32, wire_type: WireType, value: &[u8]) {
    encode_key(number, wire_type, bytes);
    if wire_type == WireType::LengthDelimited {
        encode_varint(value.len() as u64, bytes);
    }
    bytes.extend_from_slice(value);
}

/// A value without its tag and its length.
fn value_bytes(kind: &Kind, value: &Value) -> Vec<u8> {
    let varint = |value: u64| {
        let mut bytes = Vec::new();
        encode_varint(value, &mut bytes);
        bytes
    };
    let signed = |value: i64| varint(value.cast_unsigned());
    let zigzag = |value: i64| signed((value << 1) ^ (value >> 63));
    match (value, kind) {
        (Value::Bool(value), _) => varint(u64::from(*value)),
        (Value::I32(value), Kind::Sint32) => zigzag((*value).into()),
        (Value::I64(value), Kind::Sint64) => zigzag(*value),
        (Value::I32(value), Kind::Sfixed32) => value.to_le_bytes().into(),
        (Value::I64(value), Kind::Sfixed64) => value.to_le_bytes().into(),
        (Value::U32(value), Kind::Fixed32) => value.to_le_bytes().into(),
        (Value::U64(value), Kind::Fixed64) => value.to_le_bytes().into(),
        (Value::I32(value) | Value::EnumNumber(value), _) => signed((*value).into()),
        (Value::I64(value), _) => signed(*value),
        (Value::U32(value), _) => varint((*value).into()),
        (Value::U64(value), _) => varint(*value),
        (Value::F32(value), _) => value.to_le_bytes().into(),
        (Value::F64(value), _) => value.to_le_bytes().into(),
        (Value::String(value), _) => value.clone().into_bytes(),
        (Value::Bytes(value), _) => value.to_vec(),
        (Value::Message(message), _) => encode(message),
        (Value::List(_) | Value::Map(_), _) => Vec::new(),
    }
}
