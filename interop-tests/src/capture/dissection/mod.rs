//! Turns a recording into a trace, in which every byte has a name.
//!
//! - [`trace_builder`]: builds the trace and decodes header blocks
//! - [`frame`]: names the bytes of an HTTP/2 frame
//! - [`protobuf`]: reads the fields of a message without its schema
//! - [`text`]: renders a trace as text

mod frame;
pub(crate) mod protobuf;
#[cfg(test)]
mod tests;
mod text;
mod trace_builder;
