//! Reads the fields of a protobuf message without its schema.
//!
//! With the schema, a message that is wrong would be shown as what it should be.

use prost::encoding::{WireType, decode_key, decode_varint};

use crate::capture::trace::{Part, ProtobufField};
use crate::http2::text::shown;

/// How many fields are read.
const FIELDS: usize = 100;

/// How many bytes of a value are shown in hex.
const SHOWN: usize = 64;

/// The fields, and why there are no more of them if bytes are left.
pub(crate) fn read(message: &[u8]) -> (Vec<ProtobufField>, Option<String>) {
    let mut fields = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let start = message.len() - rest.len();
        if fields.len() == FIELDS {
            return (fields, Some(format!("more fields follow, from byte {start} on")));
        }
        match field(message, &mut rest) {
            Ok(field) => fields.push(field),
            Err(why) => {
                return (fields, Some(format!("no protobuf from byte {start} on: {why}")));
            }
        }
    }
    (fields, None)
}

/// The parts of a message of `length` bytes: its fields, and the rest, which is not read for the reason
/// `unread`.
pub(crate) fn parts(fields: &[ProtobufField], length: usize, unread: Option<&str>) -> Vec<Part> {
    let part = |start, end, name: &str, value: &str| Part {
        start,
        end,
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let mut parts = Vec::new();
    for field in fields {
        let ProtobufField { number, wire_type, value, start, value_start, end } = field;
        parts.push(part(*start, *value_start, &format!("field {number}"), wire_type));
        if end > value_start {
            parts.push(part(*value_start, *end, "value", value));
        }
    }
    let read = fields.last().map_or(0, |field| field.end);
    if read < length || unread.is_some() {
        let name = if read == 0 { "message" } else { "rest" };
        parts.push(part(read, length, name, unread.unwrap_or_default()));
    }
    parts
}

/// Reads the next field of `message`, of which `rest` is left.
fn field(message: &[u8], rest: &mut &[u8]) -> Result<ProtobufField, String> {
    let start = message.len() - rest.len();
    let (number, wire_type) = decode_key(rest).map_err(|error| error.to_string())?;
    let value_start = message.len() - rest.len();
    let (wire_type, value) = match wire_type {
        WireType::Varint => {
            let value = decode_varint(rest).map_err(|error| error.to_string())?;
            ("varint", value.to_string())
        }
        WireType::SixtyFourBit => {
            let bits = u64::from_le_bytes(fixed(rest)?);
            ("fixed64", format!("{:?} ({bits:#018x})", f64::from_bits(bits)))
        }
        WireType::ThirtyTwoBit => {
            let bits = u32::from_le_bytes(fixed(rest)?);
            ("fixed32", format!("{:?} ({bits:#010x})", f32::from_bits(bits)))
        }
        WireType::LengthDelimited => {
            let length = decode_varint(rest).map_err(|error| error.to_string())?;
            let bytes = usize::try_from(length).ok().and_then(|length| rest.split_off(..length));
            let missing = || format!("{length} bytes should follow, and {} do", rest.len());
            let bytes = bytes.ok_or_else(missing)?;
            ("length-delimited", text_or_hex(bytes))
        }
        WireType::StartGroup => ("group", "begins".to_owned()),
        WireType::EndGroup => ("group", "ends".to_owned()),
    };
    let (wire_type, end) = (wire_type.to_owned(), message.len() - rest.len());
    Ok(ProtobufField { number, wire_type, value, start, value_start, end })
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], String> {
    let Some((bytes, behind)) = rest.split_first_chunk::<N>() else {
        return Err(format!("{N} bytes should follow, and {} do", rest.len()));
    };
    *rest = behind;
    Ok(*bytes)
}

fn text_or_hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "empty".to_owned();
    }
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("\"{}\"", shown(bytes));
    }
    match bytes.get(..SHOWN).filter(|_| bytes.len() > SHOWN) {
        Some(first) => format!("{}… ({} bytes)", hex::encode(first), bytes.len()),
        None => hex::encode(bytes),
    }
}
