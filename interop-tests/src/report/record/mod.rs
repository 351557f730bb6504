//! The record of a run: all results in one documented format.
//!
//! All reports are made from the record and from nothing else, so that they cannot contradict each other. Records
//! can be merged and compared long after the run.
//!
//! - `format`, `trial`, `participant`: the types of a record
//! - `assessment`: whether peers are ready to replace the reference
//! - `writer`: collects the record during the run
//! - `file`: reads and writes records, including an older format
//! - `check`: whether the parts of a record that was read fit together
//! - `merge`: merges the records of shards

pub(crate) mod assessment;
mod check;
pub(crate) mod file;
pub(crate) mod format;
pub(crate) mod merge;
pub(crate) mod participant;
pub(crate) mod trial;
pub(crate) mod writer;

pub(crate) use format::{FORMAT, KnownDeviation, Machine, Record, State, VERSION};
pub use format::{SCHEMA_FILE, schema};
