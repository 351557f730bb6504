//! The well-known types of protobuf, such as `google.protobuf.Timestamp`.
//!
//! - [`messages`]: which types these are, and ordinary messages of them
//! - [`values`]: their boundary values

pub(super) mod messages;
pub(super) mod values;
