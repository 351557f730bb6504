//! The calculator of `proto/calculator.proto` as a gRPC server and client, drop-in replacements for
//! the Python programs in `python/`.
//!
//! - [`number`]: the message, as Python's protobuf reads and writes it
//! - [`arithmetic`]: the square root, as `CPython` computes it
//! - [`service`]: the services that answer with it, whose [`methods`] clients know too
//! - [`listen`], [`tls`] and [`server`]: from an [`address`] to a server that can be stopped, with
//!   `in_flight` to tell when
//! - [`parity`]: what grpcio's server does that tonic's does not
//! - [`test_behaviour`]: what tests can ask a server for
//! - [`client`]: from an address to a stub
//! - `frame_header`: what both look at of HTTP/2 themselves
//! - [`pem`]: the files of TLS on both sides
//! - [`status`] and [`python_float`]: statuses and numbers as Python shows them
//! - [`command_line`]: what the programs' command lines have in common

mod calculator;
pub mod grpcio;
pub mod server;
pub mod service;
pub mod test_directives;

/// What tonic generates from `proto/`.
pub mod rpc {
    #![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/server/_.rs"));
    include!(concat!(env!("OUT_DIR"), "/client/_.rs"));

    /// All files of `proto/` as an encoded `FileDescriptorSet`, which is what reflection needs.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}

pub use calculator::{Number, arithmetic, python_float};
