//! The record of a run: everything that was found out, in one documented format.
//!
//! All reports are made from it and from nothing else, so that they cannot contradict each other, and
//! one that a run has left behind can be merged, compared and shown long after the run.
//!
//! - [`mod@format`], [`trial`], [`participant`]: its parts
//! - [`assessment`]: whether peers can replace the reference
//! - [`writer`]: the record during the run
//! - [`mod@file`], [`version_1`]: reading and writing it
//! - [`merge`]: the records of shards combined

pub(crate) mod assessment;
pub(crate) mod file;
pub(crate) mod format;
pub(crate) mod merge;
pub(crate) mod participant;
pub(crate) mod trial;
pub(crate) mod version_1;
pub(crate) mod writer;

pub(crate) use format::KnownDeviation;
pub use format::{FORMAT, Machine, Record, SCHEMA_FILE, State, VERSION, schema};
