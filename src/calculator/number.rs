//! The message `Number`, encoded and decoded as Python's protobuf does.
//!
//! Hand-written because prost treats `-0.0` as the default value and omits it, and because prost
//! rejects field 1 with another wire type, which protobuf treats as an unknown field.

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, float};

const VALUE: u32 = 1;

/// `message Number { float value = 1; }` of `proto/calculator.proto`.
///
/// Encoding and decoding preserve all 32 bits of the value, including the sign of zero and the
/// payload of a NaN.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Number {
    /// The number; omitted from the encoding only if it is `+0.0`.
    pub value: f32,
}

impl Number {
    /// Whether the field is encoded. The default value of a proto3 scalar is all bits zero, which
    /// `-0.0` is not.
    fn is_encoded(self) -> bool {
        self.value.to_bits() != 0
    }
}

impl prost::Message for Number {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        if self.is_encoded() {
            float::encode(VALUE, &self.value, buf);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match (tag, wire_type) {
            (VALUE, WireType::ThirtyTwoBit) => float::merge(wire_type, &mut self.value, buf, ctx),
            _ => skip(tag, wire_type, buf, MAX_GROUP_DEPTH),
        }
    }

    fn merge(&mut self, mut buf: impl Buf) -> Result<(), DecodeError> {
        while buf.has_remaining() {
            let (tag, wire_type) = decode_key(&mut buf)?;
            self.merge_field(tag, wire_type, &mut buf, DecodeContext::default())?;
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        if self.is_encoded() { float::encoded_len(VALUE, &self.value) } else { 0 }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Decodes the key of a field.
fn decode_key(buf: &mut impl Buf) -> Result<(u32, WireType), DecodeError> {
    let (bytes, length) = short_varint(buf)?;
    prost::encoding::decode_key(&mut &bytes[..length])
}

/// Decodes the length of an unknown field.
fn decode_length(buf: &mut impl Buf) -> Result<usize, DecodeError> {
    let (bytes, length) = short_varint(buf)?;
    let length = prost::encoding::decode_varint(&mut &bytes[..length])?;
    usize::try_from(length).map_err(|_| malformed())
}

/// Reads a varint of at most five bytes, and returns the bytes with their number.
///
/// Python's protobuf limits keys and lengths to five bytes; prost accepts ten.
fn short_varint(buf: &mut impl Buf) -> Result<([u8; 5], usize), DecodeError> {
    let mut bytes = [0x80; 5];
    for length in 1..=bytes.len() {
        let Ok(byte) = buf.try_get_u8() else { break };
        bytes[length - 1] = byte;
        if byte & 0x80 == 0 {
            return Ok((bytes, length));
        }
    }
    Err(malformed())
}

/// Skips an unknown field, in which groups may be nested up to `depth` deep.
///
/// prost's own function is not used because the fields within a group follow the same rules.
fn skip(
    tag: u32,
    wire_type: WireType,
    buf: &mut impl Buf,
    depth: usize,
) -> Result<(), DecodeError> {
    let length = match wire_type {
        WireType::Varint => return skip_varint(buf),
        WireType::StartGroup => return skip_group(tag, buf, depth),
        WireType::EndGroup => return Err(malformed()),
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => decode_length(buf)?,
    };
    if length > buf.remaining() {
        return Err(malformed());
    }
    buf.advance(length);
    Ok(())
}

fn skip_group(tag: u32, buf: &mut impl Buf, depth: usize) -> Result<(), DecodeError> {
    let depth = depth.checked_sub(1).ok_or_else(malformed)?;
    loop {
        let (bytes, length) = short_varint(buf)?;
        let key = prost::encoding::decode_varint(&mut &bytes[..length])?;
        let wire_type = WireType::try_from(key & 0x7)?;
        // Within a group, unlike elsewhere, the field number 0 is allowed.
        let number = u32::try_from(key).map_err(|_| malformed())? >> 3;
        match wire_type {
            WireType::EndGroup if number == tag => return Ok(()),
            _ => skip(number, wire_type, buf, depth)?,
        }
    }
}

/// The maximum nesting depth of groups.
const MAX_GROUP_DEPTH: usize = 100;

/// Skips an unknown varint of at most ten bytes.
///
/// Python's protobuf ignores the bits that exceed 64; prost rejects the message.
fn skip_varint(buf: &mut impl Buf) -> Result<(), DecodeError> {
    const MAX_LENGTH: usize = 10;
    for _ in 0..MAX_LENGTH {
        match buf.try_get_u8() {
            Ok(byte) if byte & 0x80 == 0 => return Ok(()),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Err(malformed())
}

/// A decoding error. prost has no public constructor, so this provokes one.
fn malformed() -> DecodeError {
    match prost::encoding::decode_varint(&mut &[0x80_u8][..]) {
        Err(error) => error,
        Ok(_) => unreachable!("an unterminated varint"),
    }
}

#[cfg(test)]
mod tests {
    use super::Number;
    use prost::Message;

    fn encode(bits: u32) -> Vec<u8> {
        let number = Number { value: f32::from_bits(bits) };
        let bytes = number.encode_to_vec();
        assert_eq!(bytes.len(), number.encoded_len());
        bytes
    }

    #[test]
    fn every_bit_is_preserved_and_positive_zero_is_omitted() {
        assert_eq!(encode(0), b"");
        for bits in [0x8000_0000, 1, 0x3f80_0000, 0x7f80_0001, 0xffc0_1234, u32::MAX] {
            let bytes = encode(bits);
            assert_eq!(bytes, [&[0x0d][..], &bits.to_le_bytes()].concat());
            let decoded = Number::decode(&bytes[..]).expect("encoded above");
            assert_eq!(decoded.value.to_bits(), bits);
        }
    }

    #[test]
    fn an_explicit_zero_replaces_an_earlier_value() {
        let twice = [0x0d, 0, 0, 0x80, 0x41, 0x0d, 0, 0, 0, 0x80];
        let number = Number::decode(&twice[..]).expect("a repeated field is valid");
        assert_eq!(number.value.to_bits(), 0x8000_0000);
    }

    #[test]
    fn field_1_with_another_wire_type_is_an_unknown_field() {
        for other in [&[0x08, 0x10][..], &[0x09, 0, 0, 0, 0, 0, 0, 0, 0], &[0x0a, 1, 0x41]] {
            let number = Number::decode(other).expect("an unknown field");
            assert_eq!(number.value.to_bits(), 0);
        }
    }

    #[test]
    fn an_unknown_varint_may_have_ten_bytes() {
        let ten = [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(Number::decode(&ten[..]).is_ok());
        let eleven = [&ten[..10], &[0xff, 0x01]].concat();
        assert!(Number::decode(&eleven[..]).is_err());
        assert!(Number::decode(&ten[..5]).is_err(), "truncated");
    }

    #[test]
    fn a_key_has_at_most_five_bytes() {
        let five = [0x8d, 0x80, 0x80, 0x80, 0x00, 0, 0, 0x80, 0x41];
        assert_eq!(Number::decode(&five[..]).expect("five bytes").value.to_bits(), 0x4180_0000);
        let six = [0x8d, 0x80, 0x80, 0x80, 0x80, 0x00, 0, 0, 0x80, 0x41];
        assert!(Number::decode(&six[..]).is_err());
        assert!(Number::decode(&[0x8d][..]).is_err(), "truncated");
        assert!(Number::decode(&[0x05][..]).is_err(), "field 0");
    }

    #[test]
    fn a_truncated_value_is_an_error() {
        assert!(Number::decode(&[0x0d, 0, 0, 0x80][..]).is_err());
    }

    #[test]
    fn the_proto_file_declares_this_message() {
        let proto = include_str!("../../proto/calculator.proto");
        assert!(proto.contains("message Number {\n    float value = 1;\n}"));
    }
}
