//! Ordinary messages of the well-known types of protobuf.

use prost::encoding::WireType;
use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::compare::generated::scalars;
use crate::compare::generated::wire::{self, delimited, tagged};

/// How the URLs of types usually begin.
pub(super) const PREFIX: &str = "type.googleapis.com/";

/// Whether a message has a well-known type.
pub(in crate::compare::generated) fn is(of: &MessageDescriptor) -> bool {
    short_name(of).is_some_and(|name| {
        matches!(
            name,
            "Timestamp"
                | "Duration"
                | "FieldMask"
                | "Empty"
                | "Any"
                | "Struct"
                | "Value"
                | "ListValue"
        ) || wrapped(of).is_some()
    })
}

pub(super) fn short_name(of: &MessageDescriptor) -> Option<&str> {
    of.full_name().strip_prefix("google.protobuf.")
}

/// The field of a wrapper, such as a `google.protobuf.Int32Value`.
pub(super) fn wrapped(of: &MessageDescriptor) -> Option<FieldDescriptor> {
    short_name(of)?.strip_suffix("Value").filter(|name| !matches!(*name, "" | "List"))?;
    let field = of.get_field_by_name("value")?;
    (of.fields().len() == 1).then_some(field)
}

/// An ordinary message of a well-known type. None if it is another type.
pub(in crate::compare::generated) fn ordinary(
    of: &MessageDescriptor,
    index: usize,
) -> Option<Vec<u8>> {
    let small = u8::try_from(index).unwrap_or(u8::MAX);
    if let Some(field) = wrapped(of) {
        return Some(wire::field(&field, &scalars::ordinary(&field, index)));
    }
    Some(match short_name(of)? {
        "Timestamp" => time(1_234_567_890 + i64::from(small), 500_000_000),
        "Duration" => time(1 + i64::from(small), 500_000_000),
        "FieldMask" => delimited(1, format!("field_{index}").as_bytes()),
        "Empty" => Vec::new(),
        "Any" => any(&format!("{PREFIX}google.protobuf.Duration"), &time(1 + i64::from(small), 0)),
        "Struct" => entry(format!("key-{index}").as_bytes(), &number(1.5)),
        "Value" => number(f64::from(small) + 1.5),
        "ListValue" => delimited(1, &number(f64::from(small) + 1.5)),
        _ => return None,
    })
}

/// A timestamp or duration.
pub(super) fn time(seconds: i64, nanos: i32) -> Vec<u8> {
    let seconds = tagged(1, WireType::Varint, &wire::signed(seconds));
    [seconds, tagged(2, WireType::Varint, &wire::signed(nanos.into()))].concat()
}

/// A `google.protobuf.Any`.
pub(super) fn any(url: &str, value: &[u8]) -> Vec<u8> {
    [delimited(1, url.as_bytes()), delimited(2, value)].concat()
}

/// An entry of a `google.protobuf.Struct`.
pub(super) fn entry(key: &[u8], value: &[u8]) -> Vec<u8> {
    delimited(1, &[delimited(1, key), delimited(2, value)].concat())
}

/// A number as `google.protobuf.Value`.
pub(super) fn number(number: f64) -> Vec<u8> {
    tagged(2, WireType::SixtyFourBit, &number.to_le_bytes())
}

/// A string as `google.protobuf.Value`.
pub(super) fn string(text: &str) -> Vec<u8> {
    delimited(3, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::generated::test_protos;

    #[test]
    fn other_types_are_not_well_known() {
        let is_well_known = |fields| {
            let request = test_protos::request(fields);
            request.get_field(1).unwrap().kind().as_message().is_some_and(is)
        };
        assert!(is_well_known("google.protobuf.Timestamp field = 1;"));
        assert!(is_well_known("google.protobuf.BoolValue field = 1;"));
        assert!(is_well_known("google.protobuf.ListValue field = 1;"));
        assert!(!is_well_known("message Value { int32 value = 1; } Value field = 1;"));
        assert!(!is_well_known("google.protobuf.DescriptorProto field = 1;"));
    }
}
