//! The record of a run: everything that was found out, in one documented format.
//!
//! All reports are made from it and from nothing else, so that they cannot contradict each other, and
//! one that a run has left behind can be merged, compared and shown long after the run.
//!
//! - [`mod@format`], [`trial`], [`participant`]: its parts
//! - [`assessment`]: whether peers can replace the reference
//! - [`writer`]: the record during the run
//! - [`mod@file`]: reading and writing it, also in an older format
//! - [`merge`]: the records of shards combined

pub(crate) mod assessment;
pub(crate) mod file;
pub(crate) mod format;
pub(crate) mod merge;
pub(crate) mod participant;
pub(crate) mod trial;
pub(crate) mod writer;

pub(crate) use format::KnownDeviation;
pub(crate) use format::{FORMAT, Machine, Record, State, VERSION};
pub use format::{SCHEMA_FILE, schema};
