//! The suites that compare a peer with a reference: `server-parity` and `client-parity`, and random
//! requests to servers.
//!
//! What is expected is what the reference does now, or what it did when the goldens were recorded.

pub(crate) mod baseline;
pub(crate) mod client;
pub(crate) mod fuzz;
pub(crate) mod server;
