//! Decodes messages, and the content of a `google.protobuf.Any`.
//!
//! prost-reflect neither accepts a field with another wire type nor keeps the unknown fields of map entries, so such
//! messages are rewritten before they are decoded.

use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage as _};

use crate::compare::message::rewrite;

/// How deep in a message the content of an Any is still decoded. The decoder limits the depth of each message, but a
/// message of nested Any can be of any depth.
const DEEPEST_ANY: usize = 100;

/// The number of the field `type_url` of an Any.
pub(super) const TYPE_URL: u32 = 1;

/// The number of the field `value` of an Any.
pub(super) const CONTENT: u32 = 2;

/// Decodes a message. The error says why this is impossible.
pub(super) fn decode(of: &MessageDescriptor, bytes: &[u8]) -> Result<DynamicMessage, String> {
    let rewritten = rewrite::rewritten(of, bytes)?;
    DynamicMessage::decode(of.clone(), rewritten.as_deref().unwrap_or(bytes))
        .map_err(|error| error.to_string())
}

pub(super) fn is_any(of: &MessageDescriptor) -> bool {
    of.full_name() == "google.protobuf.Any"
}

/// The type of the content of an Any with this type URL, if it is in the pool of `any`.
pub(super) fn any_type(any: &MessageDescriptor, type_url: &str) -> Option<MessageDescriptor> {
    any.parent_pool().get_message_by_name(type_name(type_url))
}

/// The name of the type that a type URL names.
pub(super) fn type_name(type_url: &str) -> &str {
    type_url.rsplit('/').next().unwrap_or_default()
}

/// The content of `any`, which is a message at this depth. `None` if its type is not known, it cannot be decoded, or
/// it is too deep.
pub(super) fn any_content(any: &DynamicMessage, depth: usize) -> Option<DynamicMessage> {
    if depth > DEEPEST_ANY {
        return None;
    }
    let type_url = any.get_field_by_number(TYPE_URL)?;
    let content = any.get_field_by_number(CONTENT)?;
    decode(&any_type(&any.descriptor(), type_url.as_str()?)?, content.as_bytes()?).ok()
}
