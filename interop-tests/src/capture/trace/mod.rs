//! Traces: what went over the wire in a trial, so that a person finds the byte that is wrong.
//!
//! Taken of every trial, because nobody knows before whether it will fail. So taking is cheap, and
//! frames are only read when the trace is kept.
//!
//! - [`tape`], [`track`], [`body`], [`raw`]: while it is taken
//! - [`reading`], [`bytes_of_frame`], [`protobuf`]: from bytes to what they say
//! - [`event`]: what is kept
//! - [`text`], [`archive`]: where a person finds it

pub(crate) mod body;
pub(crate) mod dissect;
pub mod event;
pub(crate) mod protobuf;
pub(crate) mod raw;
pub(crate) mod reading;
pub mod recorder;
pub mod stream;
pub(crate) mod text;
