//! The Rust programs against the document's Python: at the command line and bit by bit.
//!
//! What is expected stands in the tests as a person reads it; `cpython` then asks Python itself, so
//! a table here cannot agree with the Rust code and still be wrong.
//!
//! - [`server`], [`shutdown`]: `calculator-server` as `python server.py`
//! - [`tls`], [`unix_socket`], [`connection_age`]: what it does only when it is asked to
//! - [`client`]: `calculator-client` as `python client.py`
//! - [`connecting`]: what `calculator-client` does about servers that vanish
//! - [`encrypting`]: TLS, with [`certificates`]
//! - [`cut_over`]: the one takes the port over from the other, under load
//! - [`cpython`]: arithmetic, messages and number formatting over a [`corpus`]
//! - [`support`], [`half_sent_call`], [`raw_call`], [`python`]: what the tests stand on

#![expect(clippy::expect_used, reason = "what a test cannot go on without ends it")]

mod certificates;
mod client;
mod connecting;
mod connection_age;
mod corpus;
mod cpython;
mod cut_over;
mod encrypting;
mod half_sent_call;
mod python;
mod raw_call;
mod server;
mod shutdown;
mod support;
mod tls;
mod unix_socket;
