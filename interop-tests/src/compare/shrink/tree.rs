//! The messages of a request as a tree of fields, from which parts can be taken.
//!
//! Each part keeps the bytes it was read from, because the tree also represents messages that no library writes or
//! reads.

use std::str;

use prost::encoding::{WireType, decode_varint, encode_varint};
use prost_reflect::{Kind, MessageDescriptor};

use crate::compare::message::wire::{WireField, fields_and_rest, without_tag};

/// How many levels are divided into fields.
const LEVELS: usize = 120;

/// A part of a message or of a packed list.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The bytes of the tag; empty for an element of a packed list.
    tag: Vec<u8>,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Parts(Parts),
    Leaf(Leaf),
}

/// A message, a packed list, or the whole request, whose parts are its messages.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// The type, if it is a message of a known one.
    of: Option<MessageDescriptor>,
    pub(super) nodes: Vec<Node>,
    frame: Frame,
}

/// How the end of a value is encoded.
#[derive(Clone, Debug)]
enum Frame {
    Nothing,
    Length,
    /// The tag at the end of a group.
    Group(Vec<u8>),
}

/// A value that has no fields.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) kind: LeafKind,
    /// Without the length.
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeafKind {
    Varint(Number),
    /// 4 or 8 bytes.
    Fixed(Number),
    /// Text, or other bytes with a length.
    Text,
    /// Bytes that are not divided further, such as a malformed field.
    Raw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Unsigned,
    /// In two's complement.
    Signed,
    Float,
}

impl Parts {
    /// The request with these messages of the type `of`.
    pub(super) fn request<'a>(
        messages: impl Iterator<Item = &'a [u8]>,
        of: &MessageDescriptor,
    ) -> Self {
        let message = |bytes| Node { tag: Vec::new(), value: message(bytes, of) };
        Self { of: None, nodes: messages.map(message).collect(), frame: Frame::Nothing }
    }

    /// The encoded messages of a request.
    pub(super) fn messages(&self) -> impl Iterator<Item = Vec<u8>> {
        self.nodes.iter().map(Node::bytes)
    }

    /// How many nodes there are on `level`, counted from that of the messages of a request.
    pub(super) fn count(&self, level: usize) -> usize {
        match level.checked_sub(1) {
            None => self.nodes.len(),
            Some(level) => {
                self.nodes.iter().filter_map(Node::parts).map(|it| it.count(level)).sum()
            }
        }
    }

    /// Keeps only the nodes on `level` for which `is_kept` is true, which is called once for each, in order.
    pub(super) fn retain(&mut self, level: usize, is_kept: &mut dyn FnMut() -> bool) {
        match level.checked_sub(1) {
            None => self.nodes.retain(|_| is_kept()),
            Some(level) => {
                for node in &mut self.nodes {
                    if let Value::Parts(parts) = &mut node.value {
                        parts.retain(level, is_kept);
                    }
                }
            }
        }
    }

    /// The value without fields with this index.
    pub(super) fn leaf_mut(&mut self, index: usize) -> Option<&mut Leaf> {
        self.next_leaf(&mut { index })
    }

    fn next_leaf(&mut self, left: &mut usize) -> Option<&mut Leaf> {
        self.nodes.iter_mut().find_map(|node| match &mut node.value {
            Value::Parts(parts) => parts.next_leaf(left),
            Value::Leaf(leaf) => match left.checked_sub(1) {
                None => Some(leaf),
                Some(less) => {
                    *left = less;
                    None
                }
            },
        })
    }

    /// The messages with a known type, each with its level, from the outside to the inside.
    fn typed(&self) -> Vec<(usize, &Self)> {
        let mut found = Vec::new();
        self.add_typed(0, &mut found);
        found
    }

    fn add_typed<'a>(&'a self, level: usize, found: &mut Vec<(usize, &'a Self)>) {
        if self.of.is_some() {
            found.push((level, self));
        }
        for parts in self.nodes.iter().filter_map(Node::parts) {
            parts.add_typed(level + 1, found);
        }
    }

    /// The name of the type of the message with this index, and the contents of messages of the same type in it, the
    /// deepest first.
    pub(super) fn same_type_inside(&self, index: usize) -> Option<(String, Vec<Vec<Node>>)> {
        let typed = self.typed();
        let (_, outer) = typed.get(index)?;
        let mut inside: Vec<_> =
            outer.typed().into_iter().skip(1).filter(|(_, it)| it.of == outer.of).collect();
        inside.sort_by_key(|(level, _)| usize::MAX - level);
        let name = outer.of.as_ref()?.full_name().to_owned();
        Some((name, inside.into_iter().map(|(_, parts)| parts.nodes.clone()).collect()))
    }

    /// Replaces the content of the typed message with this index.
    pub(super) fn replace(&mut self, index: usize, nodes: &[Node]) {
        self.replace_next(&mut { index }, nodes);
    }

    fn replace_next(&mut self, left: &mut usize, nodes: &[Node]) -> bool {
        if self.of.is_some() {
            match left.checked_sub(1) {
                None => {
                    self.nodes = nodes.to_vec();
                    return true;
                }
                Some(less) => *left = less,
            }
        }
        self.nodes.iter_mut().any(|node| match &mut node.value {
            Value::Parts(parts) => parts.replace_next(left, nodes),
            Value::Leaf(_) => false,
        })
    }
}

impl Node {
    fn parts(&self) -> Option<&Parts> {
        match &self.value {
            Value::Parts(parts) => Some(parts),
            Value::Leaf(_) => None,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let (content, frame) = match &self.value {
            Value::Parts(Parts { nodes, frame, .. }) => {
                (nodes.iter().flat_map(Self::bytes).collect(), frame)
            }
            Value::Leaf(Leaf { kind: LeafKind::Text, bytes }) => (bytes.clone(), &Frame::Length),
            Value::Leaf(Leaf { bytes, .. }) => (bytes.clone(), &Frame::Nothing),
        };
        let mut bytes = self.tag.clone();
        match frame {
            Frame::Nothing => bytes.extend(content),
            Frame::Length => {
                encode_varint(content.len() as u64, &mut bytes);
                bytes.extend(content);
            }
            Frame::Group(end) => {
                bytes.extend(content);
                bytes.extend(end);
            }
        }
        bytes
    }
}

/// A message of a request.
fn message(bytes: &[u8], of: &MessageDescriptor) -> Value {
    let nodes = nodes(bytes, Some(of), 0);
    Value::Parts(Parts { of: Some(of.clone()), nodes, frame: Frame::Nothing })
}

/// The fields of an encoded message. What is malformed is one node.
fn nodes(bytes: &[u8], of: Option<&MessageDescriptor>, level: usize) -> Vec<Node> {
    let (fields, rest) = fields_and_rest(bytes);
    let mut nodes: Vec<_> = fields.iter().map(|field| node(field, of, level)).collect();
    nodes.extend(rest.map(|(bytes, _)| raw(bytes)));
    nodes
}

fn raw(bytes: &[u8]) -> Node {
    leaf(Vec::new(), LeafKind::Raw, bytes)
}

fn leaf(tag: Vec<u8>, kind: LeafKind, bytes: &[u8]) -> Node {
    Node { tag, value: Value::Leaf(Leaf { kind, bytes: bytes.to_vec() }) }
}

fn node(field: &WireField<'_>, of: Option<&MessageDescriptor>, level: usize) -> Node {
    use crate::compare::message::wire::Payload;

    let WireField { number, payload, bytes, overlong } = *field;
    let declared = of.and_then(|of| {
        let field = of.get_field(number).map(|field| (field.kind(), field.is_list()));
        field.or_else(|| of.get_extension(number).map(|it| (it.kind(), it.is_list())))
    });
    let value = without_tag(bytes);
    let tag = bytes.get(..bytes.len() - value.len()).unwrap_or_default().to_vec();
    let kind = declared.as_ref().map(|(kind, _)| kind);
    let child = kind.and_then(Kind::as_message);
    let parts = |of: Option<&MessageDescriptor>, nodes, frame| {
        Value::Parts(Parts { of: of.cloned(), nodes, frame })
    };
    let value = match payload {
        // The length that is too long may be what matters.
        Payload::LengthDelimited(_) if overlong > 0 => return raw(bytes),
        Payload::Varint(_) => return leaf(tag, LeafKind::Varint(number_of(kind)), value),
        Payload::Fixed(_) => return leaf(tag, LeafKind::Fixed(number_of(kind)), value),
        Payload::LengthDelimited(content) if level < LEVELS && child.is_some() => {
            parts(child, nodes(content, child, level + 1), Frame::Length)
        }
        Payload::LengthDelimited(content) => {
            let is_list = declared.as_ref().is_some_and(|(_, is_list)| *is_list);
            match kind.filter(|_| is_list).and_then(|kind| elements(content, kind)) {
                Some(nodes) => parts(None, nodes, Frame::Length),
                None => return leaf(tag, LeafKind::Text, content),
            }
        }
        Payload::Group(content) if level < LEVELS => {
            let end = value.get(content.len()..).unwrap_or_default().to_vec();
            parts(child, nodes(content, child, level + 1), Frame::Group(end))
        }
        Payload::Group(_) => return raw(bytes),
    };
    Node { tag, value }
}

/// The elements of a packed list; `None` if they cannot be packed or are malformed.
fn elements(content: &[u8], kind: &Kind) -> Option<Vec<Node>> {
    let (mut rest, mut nodes) = (content, Vec::new());
    while !rest.is_empty() {
        let from = rest;
        let (length, leaf_kind) = match kind.wire_type() {
            WireType::Varint => {
                decode_varint(&mut rest).ok()?;
                (from.len() - rest.len(), LeafKind::Varint(number_of(Some(kind))))
            }
            WireType::ThirtyTwoBit => (4, LeafKind::Fixed(number_of(Some(kind)))),
            WireType::SixtyFourBit => (8, LeafKind::Fixed(number_of(Some(kind)))),
            _ => return None,
        };
        let (element, after) = from.split_at_checked(length)?;
        nodes.push(leaf(Vec::new(), leaf_kind, element));
        rest = after;
    }
    Some(nodes)
}

/// What a number of a field of this kind means.
fn number_of(kind: Option<&Kind>) -> Number {
    match kind {
        Some(Kind::Int32 | Kind::Int64 | Kind::Sfixed32 | Kind::Sfixed64 | Kind::Enum(_)) => {
            Number::Signed
        }
        Some(Kind::Float | Kind::Double) => Number::Float,
        _ => Number::Unsigned,
    }
}

impl Leaf {
    /// The characters, or the bytes if it is no text.
    pub(super) fn characters(&self) -> Vec<Vec<u8>> {
        match str::from_utf8(&self.bytes) {
            Ok(text) if self.kind == LeafKind::Text => {
                text.chars().map(|it| it.to_string().into_bytes()).collect()
            }
            _ => self.bytes.iter().map(|byte| vec![*byte]).collect(),
        }
    }

    /// The value of a number: its bits, those of a signed one extended to 64.
    pub(super) fn number(&self) -> Option<u64> {
        let is_signed = |number| number == Number::Signed;
        match (self.kind, &self.bytes[..]) {
            (LeafKind::Varint(_), mut bytes) => decode_varint(&mut bytes).ok(),
            (LeafKind::Fixed(number), bytes) => match <[u8; 4]>::try_from(bytes) {
                Ok(bytes) if is_signed(number) => {
                    Some(i64::from(i32::from_le_bytes(bytes)).cast_unsigned())
                }
                Ok(bytes) => Some(u32::from_le_bytes(bytes).into()),
                Err(_) => bytes.try_into().ok().map(u64::from_le_bytes),
            },
            (LeafKind::Text | LeafKind::Raw, _) => None,
        }
    }

    pub(super) fn set_number(&mut self, value: u64) {
        if matches!(self.kind, LeafKind::Varint(_)) {
            self.bytes.clear();
            encode_varint(value, &mut self.bytes);
        } else {
            // The low bytes come first.
            self.bytes = value.to_le_bytes().into_iter().take(self.bytes.len()).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::test_service;

    fn tree(message: &[u8]) -> Parts {
        Parts::request([message].into_iter(), &test_service::method("Get").input())
    }

    fn bytes(tree: &Parts) -> Vec<u8> {
        tree.messages().next().expect("it has one message")
    }

    #[test]
    fn a_tree_has_the_same_bytes() {
        let messages: [&[u8]; 9] = [
            b"",
            b"\x0a\x03pen\x18\x01",
            // An item in an item, with an unknown group, which has an unknown field.
            b"\x22\x09\x0a\x03cup\x3b\x08\x07\x3c",
            // An entry of a map.
            b"\x2a\x05\x0a\x01a\x10\x07",
            // A tag and a length that are longer than needed.
            b"\x98\x00\x01\x8a\x80\x00\x81\x00x",
            // A length that is longer than needed.
            b"\x0a\x83\x00pen",
            // A length beyond the end, in the request and in a message in it.
            b"\x18\x01\x0a\x7fpen",
            b"\x22\x03\x0a\x7fp\x18\x01",
            b"\xff\xff",
        ];
        for message in messages {
            assert_eq!(bytes(&tree(message)), message);
        }
    }

    #[test]
    fn parts_are_removed_by_level() {
        // Two items in an item, with a name each, and a colour.
        let mut tree = tree(b"\x22\x03\x0a\x01a\x22\x05\x0a\x01b\x18\x02\x18\x01");
        assert_eq!([0, 1, 2, 3].map(|level| tree.count(level)), [1, 3, 3, 0]);
        let mut kept = [false, true, false].into_iter();
        tree.retain(2, &mut || kept.next().expect("three nodes"));
        assert_eq!(bytes(&tree), b"\x22\x00\x22\x03\x0a\x01b\x18\x01");
        let mut kept = [false, true, true].into_iter();
        tree.retain(1, &mut || kept.next().expect("three nodes"));
        assert_eq!(bytes(&tree), b"\x22\x03\x0a\x01b\x18\x01");
    }

    #[test]
    fn a_message_is_replaced_by_one_inside() {
        let mut tree = tree(b"\x22\x07\x22\x03\x0a\x01a\x18\x01");
        let (name, inside) = tree.same_type_inside(0).expect("there is a message");
        assert_eq!((&name[..], inside.len()), ("shop.Item", 2));
        tree.replace(1, inside.first().expect("there are two"));
        assert_eq!(bytes(&tree), b"\x22\x03\x0a\x01a");
        assert!(tree.same_type_inside(2).is_none());
    }

    #[test]
    fn leaves_are_read_and_written() {
        let mut tree = tree(b"\x22\x02\x18\x05\x0a\x03\xc3\xa9a");
        let number = tree.leaf_mut(0).expect("there are two leaves");
        assert_eq!((number.kind, number.number()), (LeafKind::Varint(Number::Signed), Some(5)));
        number.set_number(300);
        let text = tree.leaf_mut(1).expect("there are two leaves");
        assert_eq!(text.characters(), [&b"\xc3\xa9"[..], b"a"]);
        text.bytes = b"x".to_vec();
        assert!(tree.leaf_mut(2).is_none());
        assert_eq!(bytes(&tree), b"\x22\x03\x18\xac\x02\x0a\x01x");
    }

    #[test]
    fn fixed_numbers_keep_their_size() {
        let bytes = (-3_i32).to_le_bytes().to_vec();
        let mut leaf = Leaf { kind: LeafKind::Fixed(Number::Signed), bytes };
        assert_eq!(leaf.number(), Some((-3_i64).cast_unsigned()));
        leaf.set_number(u64::MAX);
        assert_eq!(leaf.bytes, [0xff; 4]);
    }

    #[test]
    fn packed_lists_have_elements() {
        let lengths = |content, kind| elements(content, &kind).map(|it| it.len());
        assert_eq!(lengths(&[1, 0x80, 1, 3], Kind::Int32), Some(3));
        assert_eq!(lengths(&[0; 8], Kind::Float), Some(2));
        assert_eq!(lengths(&[0; 8], Kind::Double), Some(1));
        assert_eq!(lengths(&[0; 7], Kind::Float), None);
        assert_eq!(lengths(&[0x80], Kind::Int32), None);
        assert_eq!(lengths(b"text", Kind::String), None);
    }
}
