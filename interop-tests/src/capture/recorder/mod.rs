//! Records the connections of a trial as events: frames, and how connections begin and end.
//!
//! - [`direction`]: parses the bytes of one direction of a connection
//! - [`recording`]: keeps the first and the last events
//! - [`statistics`]: counts frames and messages

mod direction;
mod recording;
mod statistics;
#[cfg(test)]
mod tests;

pub(crate) use direction::{ConnectionRecorder, DirectionRecorder};
pub(crate) use recording::Recorder;
pub(crate) use statistics::WireStats;
