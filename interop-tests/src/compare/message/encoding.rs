//! Finds how the encodings of two equal messages differ.
//!
//! protobuf fixes neither the order of fields nor that of map entries, and a receiver accepts several encodings of
//! most values. These differences matter to those who hash or sign messages, or cache them by their bytes.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare::message::decode::{self, any_type, is_any};
use crate::compare::message::field::Field;
use crate::compare::message::path::{FieldPath, Segment};
use crate::compare::message::value::shown_key;
use crate::compare::message::wire::{self, Payload, WireField};

/// How two encodings of equal messages differ.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Encoding {
    /// The entries of a map are in another order.
    MapOrder,
    /// The default key or the default value of a map entry is written on one side and omitted on the other.
    MapEntryDefaults,
    /// A field without presence is written with its default on one side and omitted on the other.
    WrittenDefaults,
    /// The fields are in another order.
    FieldOrder,
    /// A repeated field is packed on one side only, or in more parts.
    Packing,
    /// A varint takes more bytes than the other one.
    VarintLength,
    /// On one side a field or a map key is followed by another one that replaces it, or a message is in parts.
    Duplicates,
    /// Any other difference, such as `true` encoded as 2.
    Other,
}

/// One way in which two encodings differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EncodingDifference {
    pub(crate) encoding: Encoding,
    /// The first field that is encoded in this way.
    pub(crate) path: FieldPath,
}

/// How the encodings of two equal messages differ. At least one way, if the bytes differ.
pub(super) fn differences(
    of: &MessageDescriptor,
    reference: &[u8],
    candidate: &[u8],
) -> Vec<EncodingDifference> {
    let mut walk = Walk::default();
    walk.messages(Some(of), [reference, candidate]);
    walk.found
}

/// What the reference sent, and what the candidate sent.
type Both<T> = [T; 2];

#[derive(Default)]
struct Walk {
    path: FieldPath,
    found: Vec<EncodingDifference>,
    /// The number of differences that were found, including those of an encoding that is already in `found`.
    count: usize,
}

impl Walk {
    /// Runs `compare` at a part of the current path.
    fn at(&mut self, segment: Segment, compare: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        compare(self);
        self.path.pop();
    }

    fn add(&mut self, encoding: Encoding) {
        self.count += 1;
        if self.found.iter().all(|found| found.encoding != encoding) {
            self.found.push(EncodingDifference { encoding, path: self.path.clone() });
        }
    }

    /// Runs `compare`. If it finds nothing, the difference is `encoding`.
    fn or(&mut self, encoding: Encoding, compare: impl FnOnce(&mut Self)) {
        let before = self.count;
        compare(self);
        if self.count == before {
            self.add(encoding);
        }
    }

    /// Compares messages of the type `of`, which is `None` for an unknown group.
    fn messages(&mut self, of: Option<&MessageDescriptor>, both: Both<&[u8]>) {
        if both[0] == both[1] {
            return;
        }
        let [Ok(reference), Ok(candidate)] = both.map(wire::fields) else {
            self.add(Encoding::Other);
            return;
        };
        // If those with each number are equal, only their order differs.
        self.or(Encoding::FieldOrder, |walk| {
            let both = [&reference[..], &candidate[..]];
            let any_content = any_content_type(of, both);
            let keys = both.map(|fields| keys(of, fields));
            let keys = [&keys[0][..], &keys[1][..]];
            for ((number, has_other_wire_type), both) in by_key(keys, both) {
                if both[0]
                    .iter()
                    .map(|field| field.bytes)
                    .eq(both[1].iter().map(|field| field.bytes))
                {
                    continue;
                }
                let of = of.filter(|_| !has_other_wire_type);
                let field = of.and_then(|of| Field::with_number(of, number));
                let segment = match &field {
                    Some(field) => Segment::Field(field.name()),
                    None if has_other_wire_type => Segment::OtherWireType(number),
                    None => Segment::Unknown(number),
                };
                let both = [&both[0][..], &both[1][..]];
                if number == decode::CONTENT
                    && let Some(content) = &any_content
                    && let [Some(one), Some(other)] = both.map(content_of_any)
                {
                    walk.any(content, both, [one, other]);
                    continue;
                }
                walk.at(segment, |walk| match &field {
                    Some(field) if field.is_map() => walk.maps(&field.kind(), both),
                    Some(field) if field.is_list() => walk.lists(&field.kind(), both),
                    Some(field) => walk.singular(field, both),
                    None => walk.unknown(both),
                });
            }
            let orders = order(keys);
            if orders[0] != orders[1] {
                walk.add(Encoding::FieldOrder);
            }
        });
    }

    /// Compares the contents of two Any, which are messages of the type `of`. An empty one may be written.
    fn any(
        &mut self,
        of: &MessageDescriptor,
        both: Both<&[&WireField<'_>]>,
        contents: Both<&[u8]>,
    ) {
        let [one, other] = both.map(overlong);
        self.at(Segment::Any(of.full_name().to_owned()), |walk| {
            walk.or(Encoding::WrittenDefaults, |walk| {
                if one != other {
                    walk.add(Encoding::VarintLength);
                }
                walk.messages(Some(of), contents);
            });
        });
    }

    fn singular(&mut self, field: &Field, both: Both<&[&WireField<'_>]>) {
        let is_entry =
            matches!(field, Field::Declared(field) if field.parent_message().is_map_entry());
        match both {
            [[], _] | [_, []] if is_entry => self.add(Encoding::MapEntryDefaults),
            [[], _] | [_, []] if !field.has_presence() => self.add(Encoding::WrittenDefaults),
            [[one], [other]] => self.pair(Some(&field.kind()), [one, other]),
            // A value that is replaced, a message in parts, or a branch of a oneof that another one replaces.
            _ => self.add(Encoding::Duplicates),
        }
    }

    fn unknown(&mut self, both: Both<&[&WireField<'_>]>) {
        for (one, other) in both[0].iter().zip(both[1]) {
            self.pair(None, [one, other]);
        }
    }

    fn lists(&mut self, kind: &Kind, both: Both<&[&WireField<'_>]>) {
        if matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_)) {
            for (index, (one, other)) in both[0].iter().zip(both[1]).enumerate() {
                if one.bytes != other.bytes {
                    let segment = Segment::Index(index);
                    self.at(segment, |walk| walk.pair(Some(kind), [one, other]));
                }
            }
            return;
        }
        let shapes = both.map(|fields| {
            let is_packed =
                |field: &&WireField<'_>| matches!(field.payload, Payload::LengthDelimited(_));
            fields.iter().map(is_packed).collect::<Vec<_>>()
        });
        // Without any other difference, the packed parts have other lengths.
        self.or(Encoding::Packing, |walk| {
            if shapes[0] != shapes[1] {
                walk.add(Encoding::Packing);
            }
            let overlong = both.map(overlong);
            let [one, other] = both.map(elements);
            if overlong[0] != overlong[1] || one.len() != other.len() {
                walk.add(Encoding::VarintLength);
            } else if one != other {
                walk.add(Encoding::Other);
            }
        });
    }

    fn maps(&mut self, kind: &Kind, both: Both<&[&WireField<'_>]>) {
        let Kind::Message(entry) = kind else { return };
        let [(keys, entries), (other_keys, other_entries)] =
            both.map(|fields| last_entries(entry, fields));
        let [one, other] = both.map(<[_]>::len);
        // Without any other difference, entries differ that others replace.
        self.or(Encoding::Duplicates, |walk| {
            if one - keys.len() != other - other_keys.len() {
                walk.add(Encoding::Duplicates);
            }
            if keys != other_keys {
                walk.add(Encoding::MapOrder);
            }
            for (key, one) in &entries {
                let Some(other) = other_entries.get(key) else { continue };
                if one.bytes != other.bytes {
                    let segment = Segment::Key(shown_key(key));
                    walk.at(segment, |walk| walk.pair(Some(kind), [one, other]));
                }
            }
        });
    }

    /// Compares two fields with the same number that stand for the same value.
    fn pair(&mut self, kind: Option<&Kind>, both: Both<&WireField<'_>>) {
        if both[0].bytes == both[1].bytes {
            return;
        }
        // Without any other difference, there are longer varints somewhere, such as in the tag at the end of a group.
        self.or(Encoding::VarintLength, |walk| {
            if both[0].overlong != both[1].overlong {
                walk.add(Encoding::VarintLength);
            }
            let of = kind.and_then(Kind::as_message);
            match both.map(|field| field.payload) {
                [Payload::LengthDelimited(one), Payload::LengthDelimited(other)]
                    if of.is_some() =>
                {
                    walk.messages(of, [one, other]);
                }
                [Payload::Group(one), Payload::Group(other)] => walk.messages(of, [one, other]),
                [Payload::Varint(one), Payload::Varint(other)] => {
                    let lengths = both.map(|field| field.bytes.len() - field.overlong);
                    if one != other && lengths[0] == lengths[1] {
                        walk.add(Encoding::Other);
                    }
                }
                [one, other] if one != other => walk.add(Encoding::Other),
                _ => {}
            }
        });
    }
}

/// The number of a field, and whether it has another wire type than its type, so that it is an unknown field.
type Key = (u32, bool);

/// The keys of the fields of a message of the type `of`.
fn keys(of: Option<&MessageDescriptor>, fields: &[WireField<'_>]) -> Vec<Key> {
    let has_other_wire_type = |field: &WireField<'_>| {
        of.is_some_and(|of| field.declared(of).is_err_and(|name| name.is_other_wire_type()))
    };
    fields.iter().map(|field| (field.number, has_other_wire_type(field))).collect()
}

/// The fields of both messages by their keys.
fn by_key<'a, 'b>(
    keys: Both<&[Key]>,
    both: Both<&'a [WireField<'b>]>,
) -> BTreeMap<Key, Both<Vec<&'a WireField<'b>>>> {
    let mut fields: BTreeMap<Key, Both<Vec<_>>> = BTreeMap::new();
    for (side, (keys, message)) in keys.into_iter().zip(both).enumerate() {
        for (key, field) in keys.iter().zip(message) {
            if let Some(of_side) = fields.entry(*key).or_default().get_mut(side) {
                of_side.push(field);
            }
        }
    }
    fields
}

/// The order of the keys that both messages have. Consecutive equal keys count once.
fn order(both: Both<&[Key]>) -> Both<Vec<Key>> {
    let all = both.map(|keys| keys.iter().copied().collect::<BTreeSet<_>>());
    let [reference, candidate] = &all;
    both.map(|keys| {
        let is_common = |key: &Key| reference.contains(key) && candidate.contains(key);
        let mut keys: Vec<_> = keys.iter().copied().filter(is_common).collect();
        keys.dedup();
        keys
    })
}

/// The type of the content of two Any with equal type URLs.
fn any_content_type(
    of: Option<&MessageDescriptor>,
    both: Both<&[WireField<'_>]>,
) -> Option<MessageDescriptor> {
    let of = of.filter(|of| is_any(of))?;
    let urls = both[0].iter().filter(|field| field.number == decode::TYPE_URL);
    let url = urls.rev().find_map(|field| match field.payload {
        Payload::LengthDelimited(url) => Some(url),
        _ => None,
    });
    any_type(of, std::str::from_utf8(url?).ok()?)
}

/// The content in the fields `value` of an Any. `None` if it has more than one of them.
fn content_of_any<'a>(fields: &[&WireField<'a>]) -> Option<&'a [u8]> {
    match fields {
        [] => Some(&[]),
        [field] => match field.payload {
            Payload::LengthDelimited(content) => Some(content),
            _ => None,
        },
        _ => None,
    }
}

/// How many bytes more than needed the tags and lengths of `fields` take.
fn overlong(fields: &[&WireField<'_>]) -> usize {
    fields.iter().map(|field| field.overlong).sum()
}

/// The last entry with each key, and the keys in reverse order.
fn last_entries<'a, 'b>(
    entry: &MessageDescriptor,
    fields: &[&'a WireField<'b>],
) -> (Vec<MapKey>, BTreeMap<MapKey, &'a WireField<'b>>) {
    let (mut keys, mut entries) = (Vec::new(), BTreeMap::new());
    for field in fields.iter().rev() {
        if let Some(key) = key(entry, field)
            && !entries.contains_key(&key)
        {
            keys.push(key.clone());
            entries.insert(key, *field);
        }
    }
    (keys, entries)
}

/// The key of a map entry.
fn key(entry: &MessageDescriptor, field: &WireField<'_>) -> Option<MapKey> {
    let Payload::LengthDelimited(bytes) = field.payload else { return None };
    // The value is not needed, and its depth may be the most that the decoder accepts.
    let key = entry.map_entry_key_field();
    let fields = wire::fields(bytes).ok()?;
    let is_key =
        |field: &&WireField<'_>| field.declared(entry).is_ok_and(|it| it.number() == key.number());
    let last = fields.iter().rev().find(is_key);
    let bytes = last.map_or(&[][..], |last| last.bytes);
    let entry = DynamicMessage::decode(entry.clone(), bytes).ok()?;
    Value::into_map_key(entry.get_field(&key).into_owned())
}

/// The elements of a repeated field of numbers, without what is around them.
fn elements(fields: &[&WireField<'_>]) -> Vec<u8> {
    let mut elements = Vec::new();
    for field in fields {
        match field.payload {
            Payload::LengthDelimited(packed) => elements.extend(packed),
            Payload::Fixed(bytes) => elements.extend(bytes),
            // Its encoding follows the tag.
            Payload::Varint(_) => elements.extend(wire::without_tag(field.bytes)),
            Payload::Group(_) => {}
        }
    }
    elements
}
