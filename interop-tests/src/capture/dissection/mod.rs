//! Names every byte of a frame.
//!
//! - [`frame`]: the bytes of an HTTP/2 frame
//! - [`messages`]: the length-prefixed messages in DATA frames
//! - [`protobuf`]: the fields of a message, without its schema

pub(crate) mod frame;
pub(crate) mod messages;
pub(crate) mod protobuf;
#[cfg(test)]
mod tests;
