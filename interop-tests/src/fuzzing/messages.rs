//! The messages of servers: read without their type, and compared with it.

use std::mem::discriminant;
use std::sync::LazyLock;

use prost_reflect::MessageDescriptor;

use crate::capture::dissection::messages::{self, parts};
use crate::compare::message::{MessageComparison, compare, is_ambiguous, wire};
use crate::compare::test_service;

static ITEM: LazyLock<MessageDescriptor> = LazyLock::new(|| test_service::method("Get").output());

/// Fields and what is no field are all bytes of a message, in order.
pub(super) fn fields(bytes: &[u8]) {
    let (fields, unread) = messages::read(bytes);
    let mut end = 0;
    for field in &fields {
        assert_eq!(field.start, end);
        assert!(field.start < field.value_start && field.value_start <= field.end);
        end = field.end;
    }
    assert!(end <= bytes.len() && (unread.is_some() || end == bytes.len()));
    let parts = parts(&fields, bytes.len(), unread.as_deref());
    assert_eq!(parts.last().map_or(0, |part| part.end), bytes.len());

    let (fields, rest) = wire::fields_and_rest(bytes);
    let mut all = fields.iter().map(|field| field.bytes).collect::<Vec<_>>().concat();
    all.extend(rest.map_or(&[][..], |(rest, _)| rest));
    assert_eq!(all, bytes);
}

/// A message equals itself, and a comparison has the same kind of result in both directions.
pub(super) fn comparison(bytes: &[u8]) {
    // Both messages in one input, so that most of their fields are often equal.
    let half = bytes.iter().position(|byte| *byte == b'|').unwrap_or(bytes.len());
    let (reference, candidate) = bytes.split_at(half);
    let candidate = candidate.get(1..).unwrap_or_default();
    assert_eq!(compare(&ITEM, reference, reference), MessageComparison::Same);
    let there = compare(&ITEM, reference, candidate);
    let back = compare(&ITEM, candidate, reference);
    assert_eq!(discriminant(&there), discriminant(&back), "{there:?} {back:?}");
    if let MessageComparison::SameValue(differences) = &there {
        assert!(!differences.is_empty());
    }
    for message in [reference, candidate] {
        is_ambiguous(&ITEM, message);
    }
}
