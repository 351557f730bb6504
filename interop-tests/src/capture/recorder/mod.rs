//! Records what the connections of a trial carry.
//!
//! - [`direction`]: parses the bytes of one direction of a connection into events
//! - [`messages`]: follows length-prefixed messages across DATA frames
//! - [`event`]: an event as it is recorded
//! - [`recording`]: keeps the first and the last events
//! - [`statistics`]: counts what was seen

pub(crate) mod direction;
pub(crate) mod event;
pub(crate) mod messages;
pub(crate) mod recording;
pub(crate) mod statistics;

pub use direction::{ConnectionRecorder, DirectionRecorder};
pub use event::Sender;
pub use recording::Recorder;
pub use statistics::WireStats;
