//! The calculator with plain tonic and prost.
//!
//! This is a library because both the benchmark and the self-test use the server.

pub mod plain_tonic;
