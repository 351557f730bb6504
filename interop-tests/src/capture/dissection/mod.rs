//! Turns a recording into a trace, in which every byte has a name.
//!
//! - [`trace`]: the trace as a record of a run stores it
//! - [`trace_builder`]: builds it, decoding header blocks in order
//! - [`frame`]: names the bytes of an HTTP/2 frame
//! - [`protobuf`]: reads the fields of a message without its schema
//! - [`text`]: renders a trace as text

mod frame;
pub(crate) mod protobuf;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod trace;
mod trace_builder;
