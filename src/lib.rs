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

pub mod address;
pub mod arithmetic;
pub mod client;
pub mod command_line;
mod frame_header;
mod in_flight;
pub mod listen;
pub mod methods;
pub mod number;
pub mod parity;
pub mod pem;
pub mod python_float;
pub mod server;
pub mod service;
pub mod status;
pub mod test_behaviour;
pub mod tls;

/// What tonic generates from `proto/`.
pub mod rpc {
    #![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/server/_.rs"));
    include!(concat!(env!("OUT_DIR"), "/client/_.rs"));

    /// All files of `proto/` as an encoded `FileDescriptorSet`, which is what reflection needs.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}

pub use number::Number;
