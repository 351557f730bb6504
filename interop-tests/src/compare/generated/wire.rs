//! Writes the protobuf wire format.
//!
//! Libraries write only canonical messages. A comparison also needs those that a library reads but never writes, such
//! as maps with duplicate keys, and those that it must reject.

use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{FieldDescriptor, Kind};

pub(super) use crate::config::message_encoding::is_packed;

/// The largest number of a field.
pub(super) const LAST_NUMBER: u32 = (1 << 29) - 1;

/// The bytes of a varint that has the most of them.
pub(super) const LONGEST_VARINT: usize = 10;

/// A varint in as few bytes as possible.
pub(super) fn varint(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_varint(value, &mut bytes);
    bytes
}

/// A varint in at least `length` bytes.
pub(super) fn overlong_varint(value: u64, length: usize) -> Vec<u8> {
    let mut bytes = varint(value);
    while bytes.len() < length {
        bytes.iter_mut().next_back().into_iter().for_each(|last| *last |= 0x80);
        bytes.push(0);
    }
    bytes
}

/// A signed number as a varint. Negative ones have ten bytes.
pub(super) fn signed(value: i64) -> Vec<u8> {
    varint(value.cast_unsigned())
}

/// A signed number as the varint of a `sint32` or `sint64`.
pub(super) fn zigzag(value: i64) -> Vec<u8> {
    signed((value << 1) ^ (value >> 63))
}

/// The tag of a field.
pub(super) fn tag(number: u32, wire_type: WireType) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(number, wire_type, &mut bytes);
    bytes
}

/// A field of any wire type but that of groups. `value` does not include the length.
pub(super) fn tagged(number: u32, wire_type: WireType, value: &[u8]) -> Vec<u8> {
    let mut bytes = tag(number, wire_type);
    if wire_type == WireType::LengthDelimited {
        encode_varint(value.len() as u64, &mut bytes);
    }
    bytes.extend_from_slice(value);
    bytes
}

/// A length-delimited field.
pub(super) fn delimited(number: u32, value: &[u8]) -> Vec<u8> {
    tagged(number, WireType::LengthDelimited, value)
}

/// A group.
pub(super) fn group(number: u32, content: &[u8]) -> Vec<u8> {
    let (start, end) = (tag(number, WireType::StartGroup), tag(number, WireType::EndGroup));
    [&start, content, &end].concat()
}

/// `field` with a value, or an element of it that is not packed. `value` does not include the length.
pub(super) fn field(field: &FieldDescriptor, value: &[u8]) -> Vec<u8> {
    if field.is_group() {
        group(field.number(), value)
    } else {
        tagged(field.number(), field.kind().wire_type(), value)
    }
}

/// All elements of a list in one packed field, or each in its own.
pub(super) fn list(field: &FieldDescriptor, elements: &[Vec<u8>], packed: bool) -> Vec<u8> {
    if packed {
        return delimited(field.number(), &elements.concat());
    }
    elements.iter().flat_map(|element| self::field(field, element)).collect()
}

/// Whether the elements of a list of `kind` can be packed.
pub(super) fn is_packable(kind: &Kind) -> bool {
    !matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_))
}

#[cfg(test)]
mod tests {
    use prost::encoding::decode_varint;

    use super::*;

    #[test]
    fn an_overlong_varint_has_the_same_value() {
        for length in 1..=LONGEST_VARINT {
            let bytes = overlong_varint(300, length);
            assert_eq!(bytes.len(), length.max(2));
            assert_eq!(decode_varint(&mut &bytes[..]), Ok(300));
        }
    }

    #[test]
    fn signed_numbers_are_encoded_as_the_specification_says() {
        assert_eq!(signed(-2), [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!([zigzag(0), zigzag(-1), zigzag(1)].concat(), [0, 1, 2]);
        assert_eq!(zigzag(i32::MIN.into()), varint(u32::MAX.into()));
        assert_eq!(zigzag(i64::MIN), varint(u64::MAX));
    }

    #[test]
    fn fields_have_a_tag_and_some_a_length() {
        assert_eq!(delimited(2, b"ab"), b"\x12\x02ab");
        assert_eq!(group(1, &tagged(2, WireType::Varint, &[7])), [0x0b, 0x10, 7, 0x0c]);
        assert_eq!(tag(LAST_NUMBER, WireType::Varint), [0xf8, 0xff, 0xff, 0xff, 0x0f]);
    }
}
