//! The message `Number`, as Python's protobuf reads and writes it.
//!
//! Written by hand because prost treats `-0.0` as the default value and leaves it off the wire
//! (prost issue 1177), and because prost refuses field 1 in another wire type, which protobuf says
//! is an unknown field.

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, float};

const VALUE: u32 = 1;

/// `message Number { float value = 1; }` of `proto/calculator.proto`.
///
/// The 32 bits of the value are kept as they are: the sign of zero and a NaN's payload survive
/// encoding and decoding.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Number {
    /// The number itself; absent from the wire only when it is `+0.0`.
    pub value: f32,
}

impl Number {
    /// Protobuf's presence rule for a proto3 scalar: the default is all bits zero, which `-0.0`
    /// is not.
    fn is_on_the_wire(self) -> bool {
        self.value.to_bits() != 0
    }
}

impl prost::Message for Number {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        if self.is_on_the_wire() {
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
            _ => skip(tag, wire_type, buf, DEEPEST_GROUP),
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
        if self.is_on_the_wire() { float::encoded_len(VALUE, &self.value) } else { 0 }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Reads a field's key.
fn decode_key(buf: &mut impl Buf) -> Result<(u32, WireType), DecodeError> {
    let (bytes, length) = short_varint(buf)?;
    prost::encoding::decode_key(&mut &bytes[..length])
}

/// Reads how many bytes an unknown field has.
fn decode_length(buf: &mut impl Buf) -> Result<usize, DecodeError> {
    let (bytes, length) = short_varint(buf)?;
    let length = prost::encoding::decode_varint(&mut &bytes[..length])?;
    usize::try_from(length).map_err(|_| malformed())
}

/// Reads a varint of five bytes at the most, which keys and lengths have to be for Python's
/// protobuf; prost takes ten. Gives the bytes and how many they are.
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

/// Skips an unknown field; groups may be in each other `depth` deep.
///
/// Not prost's, because fields within a group obey the same rules.
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
        // Unlike elsewhere, a field may have the number 0 here.
        let number = u32::try_from(key).map_err(|_| malformed())? >> 3;
        match wire_type {
            WireType::EndGroup if number == tag => return Ok(()),
            _ => skip(number, wire_type, buf, depth)?,
        }
    }
}

/// How deep groups may be in each other.
const DEEPEST_GROUP: usize = 100;

/// Skips an unknown varint as Python's protobuf does: ten bytes at the most, whatever the last one
/// would add to 64 bits, where prost refuses the message.
fn skip_varint(buf: &mut impl Buf) -> Result<(), DecodeError> {
    const LONGEST: usize = 10;
    for _ in 0..LONGEST {
        match buf.try_get_u8() {
            Ok(byte) if byte & 0x80 == 0 => return Ok(()),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Err(malformed())
}

/// prost's own error: it lets nobody else make one.
fn malformed() -> DecodeError {
    match prost::encoding::decode_varint(&mut &[0x80_u8][..]) {
        Err(error) => error,
        Ok(_) => unreachable!("a varint without an end"),
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
    fn every_bit_survives_but_positive_zero_stays_off_the_wire() {
        assert_eq!(encode(0), b"");
        for bits in [0x8000_0000, 1, 0x3f80_0000, 0x7f80_0001, 0xffc0_1234, u32::MAX] {
            let bytes = encode(bits);
            assert_eq!(bytes, [&[0x0d][..], &bits.to_le_bytes()].concat());
            let decoded = Number::decode(&bytes[..]).expect("what was encoded");
            assert_eq!(decoded.value.to_bits(), bits);
        }
    }

    #[test]
    fn a_zero_sent_explicitly_replaces_an_earlier_value() {
        let twice = [0x0d, 0, 0, 0x80, 0x41, 0x0d, 0, 0, 0, 0x80];
        let number = Number::decode(&twice[..]).expect("field 1 twice is legal");
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
    fn a_key_has_five_bytes_at_the_most() {
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
    fn the_contract_still_says_what_this_message_implements() {
        let contract = include_str!("../proto/calculator.proto");
        assert!(contract.contains("message Number {\n    float value = 1;\n}"));
    }
}
