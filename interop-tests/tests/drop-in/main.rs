//! Tests that the Rust programs can replace the Python ones: at the command line and bit by bit.
//!
//! The expected values are written in the tests. `cpython` compares them with Python, so a wrong expectation fails
//! even if it agrees with the Rust code.
//!
//! - [`server`], [`shutdown`]: `calculator-server` instead of `python server.py`
//! - [`tls`], [`unix_socket`], [`connections`], [`streaming`], [`memory`]: its additional options
//! - [`client`]: `calculator-client` instead of `python client.py`
//! - [`connecting`]: `calculator-client` with unreachable servers and Unix sockets
//! - [`targets`]: the addresses that `calculator-client` accepts, and those of grpcio
//! - [`proxies`]: `calculator-client` and grpcio with proxies in the environment
//! - [`encrypting`]: `calculator-client` with TLS, with [`certificates`]
//! - [`x509`]: the certificates, keys and PEM files that both accept
//! - [`cut_over`]: the Rust server takes over the port of the Python server, under load
//! - [`cpython`]: arithmetic, messages and number formatting over a [`corpus`]
//! - [`support`], [`half_sent_call`], [`raw_call`], [`python`]: helpers

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod certificates;
mod client;
mod connecting;
mod connections;
mod corpus;
mod cpython;
mod cut_over;
mod encrypting;
mod half_sent_call;
mod memory;
mod proxies;
mod python;
mod raw_call;
mod server;
mod shutdown;
mod streaming;
mod support;
mod targets;
mod tls;
mod unix_socket;
mod x509;
