//! The Rust programs against the document's Python: at the command line and bit by bit.
//!
//! What is expected stands in the tests as a person reads it; `cpython` then asks Python itself, so
//! a table here cannot agree with the Rust code and still be wrong.
//!
//! - [`server`], [`shutdown`]: `calculator-server` as `python server.py`
//! - [`client`]: `calculator-client` as `python client.py`
//! - [`cpython`]: arithmetic, messages and number formatting over a [`corpus`]
//! - [`support`], [`half_sent_call`], [`python`]: what the tests stand on

#![expect(clippy::expect_used, reason = "what a test cannot go on without ends it")]

mod client;
mod corpus;
mod cpython;
mod half_sent_call;
mod python;
mod server;
mod shutdown;
mod support;
