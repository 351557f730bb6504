//! The calculator on tonic and prost as they come.
//!
//! A library, because the benchmark measures this server and the self-test compares it.

pub mod plain_tonic;
