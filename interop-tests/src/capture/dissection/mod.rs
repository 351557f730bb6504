//! Names every byte of a frame.
//!
//! - [`frame`]: the bytes of an HTTP/2 frame
//! - [`messages`]: the length-prefixed messages in DATA frames, and their fields

pub(crate) mod frame;
pub(crate) mod messages;
#[cfg(test)]
mod tests;
