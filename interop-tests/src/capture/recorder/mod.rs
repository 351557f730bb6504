//! Records the connections of a trial as events: frames, and how connections begin and end.
//!
//! - [`direction`]: parses the bytes of one direction of a connection
//! - [`messages`]: follows length-prefixed messages across DATA frames
//! - [`event`]: an event as it is recorded
//! - [`header_blocks`]: decodes header blocks
//! - [`recording`]: keeps the first and the last events
//! - [`statistics`]: counts frames and messages while they are recorded

mod direction;
pub(crate) mod event;
pub(crate) mod header_blocks;
mod messages;
mod recording;
mod statistics;
#[cfg(test)]
mod tests;

pub(crate) use direction::{ConnectionRecorder, DirectionRecorder};
pub(crate) use recording::{Recorder, Recording};
pub(crate) use statistics::WireStats;
