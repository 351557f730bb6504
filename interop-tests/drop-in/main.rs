//! The Rust programs against the document's Python: at the command line and bit by bit.
//!
//! What is expected stands in the tests as a person reads it, whatever made it so.
//!
//! - [`server`], [`shutdown`]: `calculator-server` as `python server.py`
//! - [`client`]: `calculator-client` as `python client.py`
//! - [`support`], [`half_sent_call`], [`python`]: what the tests stand on

#![expect(clippy::expect_used, reason = "what a test cannot go on without ends it")]

mod client;
mod half_sent_call;
mod python;
mod server;
mod shutdown;
mod support;
