//! Rewrites messages so that the decoder keeps every field.
//!
//! prost-reflect refuses a field whose wire type does not fit its type, and drops unknown fields of map entries. The
//! protobuf libraries for C++, Java, Go and Python treat the former as unknown fields, so a server that returns its
//! request sends them back. Here both become unknown fields of their message, which [`UnknownFields`] reads.
//!
//! [`UnknownFields`]: crate::compare::message::unknown::UnknownFields

use prost::DecodeError;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{Kind, MessageDescriptor};

use crate::compare::message::field::Field;
use crate::compare::message::unknown::{ENTRY, IN_A_FIELD, is_reserved};
use crate::compare::message::wire::{self, Payload, WireField};

/// How deep messages and groups may be nested, as in the decoder.
const DEEPEST: usize = 100;

/// The message with a field of the type `of` for the decoder. `None` if the decoder keeps all its fields, or refuses it
/// for another reason.
pub(super) fn rewritten(of: &MessageDescriptor, message: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let needs = Needs::of(of, message)?;
    let rewrite = Rewrite { keeps_entries: needs.keeps_entries };
    needs.is_any.then(|| rewrite.message(of, message, 0)).transpose()
}

/// What must be rewritten in a message.
#[derive(Default)]
pub(super) struct Needs {
    is_any: bool,
    /// A map entry has an unknown field.
    keeps_entries: bool,
    /// Libraries decode a part of it differently.
    pub(super) is_ambiguous: bool,
}

impl Needs {
    /// What must be rewritten in a message of the type `of`. The error is why it is malformed.
    pub(super) fn of(of: &MessageDescriptor, message: &[u8]) -> Result<Self, String> {
        let mut needs = Self::default();
        needs.message(of, message, 0)?;
        Ok(needs)
    }

    fn message(
        &mut self,
        of: &MessageDescriptor,
        bytes: &[u8],
        depth: usize,
    ) -> Result<(), String> {
        for wire_field in checked_fields(bytes, depth)? {
            self.is_ambiguous |= wire_field.overlong > 0;
            match wire_field.declared(of) {
                Ok(field) => {
                    let Kind::Message(of) = field.kind() else { continue };
                    self.message(&of, content(&wire_field), depth_in(&field, depth))?;
                }
                Err(_) if of.is_map_entry() => {
                    (self.is_any, self.keeps_entries, self.is_ambiguous) = (true, true, true);
                }
                Err(name) => {
                    self.is_any |= name.is_other_wire_type() || is_reserved(&wire_field);
                    self.is_ambiguous |= name.is_other_wire_type();
                }
            }
        }
        Ok(())
    }
}

struct Rewrite {
    /// Whether every map entry is followed by its unknown fields. This includes entries without any, because they may
    /// replace others that have some.
    keeps_entries: bool,
}

impl Rewrite {
    fn message(
        &self,
        of: &MessageDescriptor,
        bytes: &[u8],
        depth: usize,
    ) -> Result<Vec<u8>, String> {
        let mut out = Vec::with_capacity(bytes.len());
        for wire_field in checked_fields(bytes, depth)? {
            match wire_field.declared(of) {
                Ok(field) if field.is_map() => {
                    self.entry(&field, &wire_field, depth, &mut out)?;
                }
                Ok(field) => self.declared(&field, &wire_field, depth, &mut out)?,
                Err(name) => {
                    unknown(&wire_field, name.is_other_wire_type(), depth, &mut out)?;
                }
            }
        }
        Ok(out)
    }

    fn declared(
        &self,
        field: &Field,
        wire_field: &WireField<'_>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let Kind::Message(of) = field.kind() else {
            out.extend(wire_field.bytes);
            return Ok(());
        };
        let content = self.message(&of, content(wire_field), depth_in(field, depth))?;
        let number = wire_field.number;
        if let Payload::Group(_) = wire_field.payload {
            encode_key(number, WireType::StartGroup, out);
            out.extend(content);
            encode_key(number, WireType::EndGroup, out);
        } else {
            delimited(number, &content, out);
        }
        Ok(())
    }

    /// Writes the entry of a map without its unknown fields, which the decoder would drop, and then these.
    fn entry(
        &self,
        map: &Field,
        wire_field: &WireField<'_>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let Kind::Message(of) = map.kind() else { return Ok(()) };
        let (mut entry, mut key, mut others) = (Vec::new(), &[][..], Vec::new());
        for wire_field in checked_fields(content(wire_field), depth)? {
            match wire_field.declared(&of) {
                Ok(field) => {
                    if field.number() == of.map_entry_key_field().number() {
                        key = wire_field.bytes;
                    }
                    self.declared(&field, &wire_field, depth, &mut entry)?;
                }
                Err(name) => {
                    unknown(&wire_field, name.is_other_wire_type(), depth, &mut others)?;
                }
            }
        }
        delimited(map.number(), &entry, out);
        if self.keeps_entries {
            let mut content = Vec::new();
            encode_varint(map.number().into(), &mut content);
            content.extend(key);
            content.extend(others);
            delimited(ENTRY, &content, out);
        }
        Ok(())
    }
}

/// Writes an unknown field, or one with another wire type.
fn unknown(
    field: &WireField<'_>,
    has_other_wire_type: bool,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    if depth + depth_of_groups(field.payload).map_err(text)? > DEEPEST {
        return Err(TOO_DEEP.to_owned());
    }
    if !has_other_wire_type && !is_reserved(field) {
        out.extend(field.bytes);
        return Ok(());
    }
    delimited(IN_A_FIELD, field.bytes, out);
    Ok(())
}

const TOO_DEEP: &str = "failed to decode Protobuf message: recursion limit reached";

/// The fields of a message at this depth.
fn checked_fields(bytes: &[u8], depth: usize) -> Result<Vec<WireField<'_>>, String> {
    if depth > DEEPEST {
        return Err(TOO_DEEP.to_owned());
    }
    wire::fields(bytes).map_err(text)
}

/// The depth of the content of `field` in a message at this depth. The decoder does not count map entries.
fn depth_in(field: &Field, depth: usize) -> usize {
    depth + usize::from(!field.is_map())
}

/// The content of a field that is a message.
fn content<'a>(field: &WireField<'a>) -> &'a [u8] {
    match field.payload {
        Payload::LengthDelimited(content) | Payload::Group(content) => content,
        Payload::Varint(_) | Payload::Fixed(_) => &[],
    }
}

fn depth_of_groups(payload: Payload<'_>) -> Result<usize, DecodeError> {
    let Payload::Group(content) = payload else { return Ok(0) };
    let mut deepest = 0;
    for field in wire::fields(content)? {
        deepest = deepest.max(depth_of_groups(field.payload)?);
    }
    Ok(deepest + 1)
}

fn delimited(number: u32, content: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(content.len() as u64, out);
    out.extend(content);
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn text(error: DecodeError) -> String {
    error.to_string()
}
