//! Captures what a client and a server exchange, and explains it byte by byte.
//!
//! Every trial is recorded, because only its end shows whether it fails. So recording keeps bytes and
//! decodes nothing; a recording is dissected only when its trace is kept.
//!
//! - [`tap`]: a proxy between client and server
//! - [`recorder`]: parses both directions of every connection and keeps a bounded number of events
//! - [`dissection`]: turns a recording into a trace
//! - [`trace`]: events with the meaning of every byte, as a record of a run stores them

pub(crate) mod dissection;
pub(crate) mod recorder;
pub(crate) mod tap;
pub(crate) mod trace;
