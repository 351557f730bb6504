//! The suites that compare peers with a reference, `server-parity` and `client-parity`.
//!
//! The expected outcome is what the reference does in the same run, or what it did when the goldens were recorded.

pub(crate) mod baseline;
pub(crate) mod client;
pub(crate) mod server;
