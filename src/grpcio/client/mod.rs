//! What grpcio's client does that tonic's client does not.
//!
//! Programs decide by status codes what to retry and what to report, so the status has to be the
//! same for whatever a server, a proxy or a broken connection does. Each file contains one rule;
//! the suite `client-parity` proves them.
//!
//! [`channel()`] returns a channel with all rules. Another tonic client combines [`layer`],
//! [`endpoint`] and [`Connector`](connect::Connector), and uses [`ClientCodec`] for its messages.
//!
//! The rules for calls:
//!
//! - [`deadline`]: a call ends when its deadline passes
//! - [`read_response`]: every response becomes a plain gRPC response
//! - `response_body`: a response ends with a status and has as many messages as its method allows
//! - `response_fields`: the validity of header fields, the metadata and the status of a response
//! - `error_status`: the status of a call that fails without one
//! - `request_fields`: metadata cannot override the header fields of gRPC
//! - `compression`: a message is compressed only if that makes it shorter ([`Compression`])
//! - [`retry`]: a call that the server has not processed is retried
//! - `replay`: the messages of a call are buffered for a retry
//! - `wait_for_ready`: a call can wait for its server ([`WaitForReady`])
//! - `request_task`: dropping a call resets its stream at once
//!
//! The rules for connections:
//!
//! - `channel`: limits on what a server may send before it is read
//! - [`connect`]: all addresses of a name are tried
//! - `lookup`: `localhost` is the loopback interface
//! - [`proxy`]: which servers are reached through an HTTP proxy ([`Proxies`])
//! - `http_connect`: the handshake with an HTTP proxy
//! - `target`: the steps to connect to one address
//! - `handshake`: a connection exists only when the server has sent its SETTINGS
//! - `established`: a connection after the handshake looks unused to hyper
//! - `pings`: a server that has vanished is noticed, with as few pings as grpcio sends ([`Keepalive`])
//! - [`tls`]: trusted roots, the expected name and the identity of the client
//! - `peer_name`: the name in the certificate of a server
//! - `common_name`: the common name of a certificate
//! - `rejection`: why a TLS handshake failed, and what corrects it
//! - `self_signed`: a server may use a trusted certificate as its own

mod channel;
mod common_name;
mod compression;
pub mod connect;
pub mod deadline;
mod error_status;
mod established;
pub(crate) mod handshake;
mod http_connect;
mod keepalive;
mod lookup;
mod peer_name;
mod pings;
pub mod proxy;
pub mod read_response;
mod rejection;
mod replay;
mod request_fields;
mod request_task;
mod response_body;
mod response_fields;
pub mod retry;
mod self_signed;
mod target;
pub mod tls;
mod wait_for_ready;

pub use super::wire::codec::ClientCodec;
pub use super::wire::method::{MethodKind, Methods};
pub use channel::{ClientLayers, GrpcioChannel, Options, channel, endpoint, layer};
pub use compression::Compression;
pub use deadline::request;
pub use keepalive::Keepalive;
pub use proxy::Proxies;
pub use wait_for_ready::WaitForReady;
