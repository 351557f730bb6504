//! The unknown fields of a decoded message: those that its type does not declare, those with another wire type than
//! declared, and those of its map entries.
//!
//! The decoder keeps only the first kind. The others are written into unknown fields with two numbers that protobuf
//! reserves for implementations, so no .proto file can declare them, and prost-reflect refuses descriptors that do. An unknown field that has one of these numbers
//! itself is written in the same way, so it cannot be taken for another one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use prost::encoding::{DecodeContext, decode_varint};
use prost_reflect::{
    DynamicMessage, Kind, MapKey, MessageDescriptor, ReflectMessage as _, UnknownField, Value,
};

use crate::compare::message::field::Field;
use crate::compare::message::path::Segment;
use crate::compare::message::wire::{self, Payload, WireField};

/// The number of an unknown field that contains another field.
pub(super) const IN_A_FIELD: u32 = 19_000;

/// The number of an unknown field that contains the number of a map, the key of an entry, and the unknown fields of
/// the entry.
pub(super) const ENTRY: u32 = 19_001;

/// Whether a field has a number with a meaning here.
pub(super) fn is_reserved(field: &WireField<'_>) -> bool {
    [IN_A_FIELD, ENTRY].contains(&field.number)
}

/// Unknown fields with the last segment of their paths, which is a [`Segment::Unknown`] or a
/// [`Segment::OtherWireType`].
pub(super) type ByName<'a> = BTreeMap<Segment, Vec<Cow<'a, UnknownField>>>;

/// All unknown fields of a message.
#[derive(Debug, Default)]
pub(super) struct UnknownFields<'a> {
    pub(super) fields: ByName<'a>,
    /// Those of map entries, by the number of the map and the key. Entries without any are left out.
    pub(super) entries: BTreeMap<(u32, MapKey), ByName<'a>>,
}

impl<'a> UnknownFields<'a> {
    pub(super) fn of(message: &'a DynamicMessage) -> Self {
        let of = message.descriptor();
        let mut found = Self::default();
        for field in message.unknown_fields() {
            if field.number() == IN_A_FIELD
                && let Some(field) = inner(field)
            {
                found.add(segment(&of, field.number()), Cow::Owned(field));
            } else if field.number() == ENTRY
                && let Some((map, key, fields)) = entry(&of, field)
            {
                // The last entry with a key counts.
                found.entries.insert((map, key), fields);
            } else {
                found.add(Segment::Unknown(field.number()), Cow::Borrowed(field));
            }
        }
        found.entries.retain(|_, fields| !fields.is_empty());
        found
    }

    fn add(&mut self, name: Segment, field: Cow<'a, UnknownField>) {
        self.fields.entry(name).or_default().push(field);
    }
}

/// The segment for a field that is in another one: if its number is declared, its wire type is not.
fn segment(of: &MessageDescriptor, number: u32) -> Segment {
    match Field::with_number(of, number) {
        Some(_) => Segment::OtherWireType(number),
        None => Segment::Unknown(number),
    }
}

fn inner(field: &UnknownField) -> Option<UnknownField> {
    UnknownField::decode(&mut &*content(field)?, DecodeContext::default()).ok()
}

/// The number of the map, the key, and the unknown fields of an entry of a map in a message of the type `of`.
fn entry(of: &MessageDescriptor, field: &UnknownField) -> Option<(u32, MapKey, ByName<'static>)> {
    let content = content(field)?;
    let mut rest = &content[..];
    let number = u32::try_from(decode_varint(&mut rest).ok()?).ok()?;
    let Kind::Message(of) = Field::with_number(of, number).filter(Field::is_map)?.kind() else {
        return None;
    };
    let entry = DynamicMessage::decode(of.clone(), rest).ok()?;
    let key = Value::into_map_key(entry.get_field(&of.map_entry_key_field()).into_owned())?;
    let owned = |field: Cow<'_, UnknownField>| Cow::Owned(field.into_owned());
    let fields = UnknownFields::of(&entry).fields.into_iter();
    let fields = fields.map(|(name, fields)| (name, fields.into_iter().map(owned).collect()));
    Some((number, key, fields.collect()))
}

/// The content of a length-delimited field.
fn content(field: &UnknownField) -> Option<Vec<u8>> {
    let mut encoded = Vec::with_capacity(field.encoded_len());
    field.encode(&mut encoded);
    match wire::fields(&encoded).ok()?.first()?.payload {
        Payload::LengthDelimited(content) => Some(content.to_vec()),
        _ => None,
    }
}
