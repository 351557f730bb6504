//! Messages that protobuf libraries decode differently.
//!
//! A library that refuses such a message, or drops a part of it, is the cause of any difference in the response. Without
//! this, each field of a response would look like a fault of the service.

use prost_reflect::{DynamicMessage, MessageDescriptor};

use crate::compare::message::rewrite::Needs;

/// Whether libraries decode `message` of the type `of` differently: it is malformed, a tag or a length has more bytes than
/// it needs, a field has another wire type than declared, or a map entry has an unknown field.
pub(crate) fn is_ambiguous(of: &MessageDescriptor, message: &[u8]) -> bool {
    DynamicMessage::decode(of.clone(), message).is_err()
        || Needs::of(of, message).map_or(true, |needs| needs.is_ambiguous)
}

#[cfg(test)]
mod tests {
    use super::is_ambiguous;
    use prost_reflect::DescriptorPool;

    /// `google.protobuf.Struct`, a map of messages with a oneof.
    fn is(message: &[u8]) -> bool {
        let of = DescriptorPool::global().get_message_by_name("google.protobuf.Struct");
        is_ambiguous(&of.expect("it exists"), message)
    }

    #[test]
    fn what_all_libraries_decode_alike_is_not() {
        assert!(!is(b""));
        // fields { key: "a" value { bool_value: true } }
        assert!(!is(b"\x0a\x07\x0a\x01a\x12\x02\x20\x01"));
        // An unknown field outside of a map entry.
        assert!(!is(b"\x10\x01"));
    }

    #[test]
    fn what_libraries_decode_differently_is() {
        for message in [
            &b"\xff"[..],
            // Field 1 as a number.
            b"\x08\x01",
            // A tag of two bytes.
            b"\x8a\x00\x00",
            // Field 3 in a map entry.
            b"\x0a\x05\x0a\x01a\x18\x01",
            // bool_value as text.
            b"\x0a\x07\x0a\x01a\x12\x02\x22\x00",
        ] {
            assert!(is(message), "{message:?}");
        }
    }
}
