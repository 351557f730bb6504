//! Captures what a client and a server exchange, and explains it byte by byte.
//!
//! Every trial is recorded, because whether it fails is known only at its end. So the number of recorded events is
//! limited.
//!
//! - [`tap`]: a proxy between client and server
//! - [`recorder`]: records both directions of every connection as a trace
//! - [`dissection`]: names the bytes of frames
//! - [`description`]: describes events for people
//! - [`trace`]: events with the meaning of every byte, as a record of a run stores them

pub(crate) mod description;
pub(crate) mod dissection;
pub(crate) mod recorder;
pub(crate) mod tap;
pub(crate) mod trace;
