//! The wire format of messages: the fields of an encoded message, without their types.
//!
//! Decoded messages do not show how they were encoded, so the comparison of encodings reads the bytes again.

use prost::DecodeError;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encoded_len_varint, key_len, skip_field,
};
use prost_reflect::MessageDescriptor;

use crate::compare::message::field::Field;
use crate::compare::message::path::Segment;

/// One field on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WireField<'a> {
    pub(crate) number: u32,
    pub(crate) payload: Payload<'a>,
    /// All its bytes, with the tag.
    pub(crate) bytes: &'a [u8],
    /// How many bytes more than needed its tag and its length take.
    pub(crate) overlong: usize,
}

/// What follows the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    /// 4 or 8 bytes.
    Fixed(&'a [u8]),
    LengthDelimited(&'a [u8]),
    /// The fields of a group.
    Group(&'a [u8]),
}

impl WireField<'_> {
    /// The field of `of` that this is. The error is its place in the path if there is none with its number, or it has
    /// another wire type: a [`Segment::Unknown`] or a [`Segment::OtherWireType`].
    pub(super) fn declared(&self, of: &MessageDescriptor) -> Result<Field, Segment> {
        let field = Field::with_number(of, self.number).ok_or(Segment::Unknown(self.number))?;
        let accepts = field.accepts(self.wire_type());
        if accepts { Ok(field) } else { Err(Segment::OtherWireType(self.number)) }
    }

    fn wire_type(&self) -> WireType {
        match self.payload {
            Payload::Varint(_) => WireType::Varint,
            Payload::Fixed(bytes) if bytes.len() == 4 => WireType::ThirtyTwoBit,
            Payload::Fixed(_) => WireType::SixtyFourBit,
            Payload::LengthDelimited(_) => WireType::LengthDelimited,
            Payload::Group(_) => WireType::StartGroup,
        }
    }
}

/// The fields of an encoded message, in order.
pub(super) fn fields(message: &[u8]) -> Result<Vec<WireField<'_>>, DecodeError> {
    match fields_and_rest(message) {
        (fields, None) => Ok(fields),
        (_, Some((_, error))) => Err(error),
    }
}

/// The fields of an encoded message up to the first malformed one, in order; then the bytes from there on, and what is
/// wrong with them.
pub(crate) fn fields_and_rest(
    message: &[u8],
) -> (Vec<WireField<'_>>, Option<(&[u8], DecodeError)>) {
    let (mut rest, mut fields) = (message, Vec::new());
    while !rest.is_empty() {
        let from = rest;
        match next(&mut rest) {
            Ok(field) => fields.push(field),
            Err(error) => return (fields, Some((from, error))),
        }
    }
    (fields, None)
}

/// Takes a field off `rest`.
fn next<'a>(rest: &mut &'a [u8]) -> Result<WireField<'a>, DecodeError> {
    let start = *rest;
    let (number, wire_type) = decode_key(rest)?;
    let mut overlong = taken(start, rest).len() - key_len(number);
    let mut value = *rest;
    // This also limits the depth of groups.
    skip_field(wire_type, number, rest, DecodeContext::default())?;
    let payload = match wire_type {
        WireType::Varint => Payload::Varint(decode_varint(&mut value)?),
        WireType::LengthDelimited => {
            let prefix = value;
            let length = decode_varint(&mut value)?;
            overlong += taken(prefix, value).len() - encoded_len_varint(length);
            Payload::LengthDelimited(taken(value, rest))
        }
        WireType::StartGroup => Payload::Group(content_of_group(value)?),
        WireType::ThirtyTwoBit | WireType::SixtyFourBit | WireType::EndGroup => {
            Payload::Fixed(taken(value, rest))
        }
    };
    Ok(WireField { number, payload, bytes: taken(start, rest), overlong })
}

/// The fields of a group, which starts at `bytes`, without the tag at its end.
fn content_of_group(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let mut rest = bytes;
    loop {
        let content = taken(bytes, rest);
        let (number, wire_type) = decode_key(&mut rest)?;
        if wire_type == WireType::EndGroup {
            return Ok(content);
        }
        skip_field(wire_type, number, &mut rest, DecodeContext::default())?;
    }
}

/// The bytes of `from` before `rest`, which is the end of it.
fn taken<'a>(from: &'a [u8], rest: &[u8]) -> &'a [u8] {
    from.get(..from.len() - rest.len()).unwrap_or_default()
}

/// The bytes of a field after its tag.
pub(crate) fn without_tag(field: &[u8]) -> &[u8] {
    let mut rest = field;
    match decode_key(&mut rest) {
        Ok(_) => rest,
        Err(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> (u32, Payload<'_>, usize) {
        let fields = fields(bytes).expect("it is not well-formed");
        let [field] = fields[..] else { panic!("{} fields", fields.len()) };
        assert_eq!(field.bytes, bytes);
        (field.number, field.payload, field.overlong)
    }

    #[test]
    fn each_wire_type_is_read() {
        assert_eq!(one(&[0x08, 0x96, 0x01]), (1, Payload::Varint(150), 0));
        assert_eq!(one(&[0x0d, 1, 2, 3, 4]), (1, Payload::Fixed(&[1, 2, 3, 4]), 0));
        assert_eq!(
            one(&[0x11, 1, 2, 3, 4, 5, 6, 7, 8]).1,
            Payload::Fixed(&[1, 2, 3, 4, 5, 6, 7, 8])
        );
        assert_eq!(one(&[0x12, 2, 7, 8]), (2, Payload::LengthDelimited(&[7, 8]), 0));
        let nested = [0x0b, 0x10, 5, 0x1b, 0x1c, 0x0c];
        assert_eq!(one(&nested), (1, Payload::Group(&[0x10, 5, 0x1b, 0x1c]), 0));
        assert_eq!(fields(&[0x08, 1, 0x08, 2]).expect("two fields").len(), 2);
    }

    #[test]
    fn a_tag_or_a_length_can_be_longer_than_needed() {
        assert_eq!(one(&[0x88, 0x00, 1]), (1, Payload::Varint(1), 1));
        assert_eq!(one(&[0x92, 0x00, 0x81, 0x80, 0x00, 7]), (2, Payload::LengthDelimited(&[7]), 3));
    }

    #[test]
    fn malformed_bytes_are_an_error() {
        for bytes in [&[0x08][..], &[0x08, 0x80], &[0x12, 5, 1], &[0x0b, 0x08, 1], &[0x0c], &[0x0f]]
        {
            fields(bytes).expect_err("malformed");
        }
        fields(&vec![0x0b; 100_000]).expect_err("too deep");
    }
}
