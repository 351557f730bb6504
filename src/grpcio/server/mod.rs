//! What grpcio's server does that tonic's server does not.
//!
//! Callers of a Python server rely on its responses without knowing it, down to the texts. Each
//! file contains one rule, which looks only at what can trigger it, so that an ordinary call pays
//! next to nothing. The comments name the probes of the suite `server-parity` that prove a rule.
//!
//! [`layer`] adds the rules for calls to a tonic service, whose messages use
//! [`ServerCodec`](super::wire::codec::ServerCodec):
//!
//! - [`admission`]: only valid requests to existing methods are handled; the header fields decide
//! - [`response_fields`]: a response has the header fields of grpcio
//! - [`deadline`]: a call ends when its deadline passes
//! - [`read_request`]: a service receives whole, limited, uncompressed messages
//! - [`message_memory`]: the messages of all clients use a limited amount of memory; `request_memory`
//!   counts those that are received, `response_memory` those that are sent
//! - `open_calls`: the same for the calls themselves
//! - `unary_request`: a method with one request starts as soon as its message is complete
//! - `request_stream`: a malformed message ends a stream of requests
//! - `trailers`: the trailers of a request count if they have already arrived
//! - `discard`: a proxy that still sends the request receives the response, too
//! - [`refusal`]: a refused call ends with a status or a reset
//! - [`stream_start`]: the header fields of a stream are sent with its first message
//! - [`catch_panic`]: a panic in a handler fails only its own call
//!
//! [`connection()`] serves a client with them, and with the rules for connections, which wrap the
//! transport and configure hyper:
//!
//! - [`connection_limits`]: a connection accepts as much as with grpcio
//! - [`settings_ack`]: limits apply only after the client has acknowledged them
//! - [`authority_rewrite`]: a percent-encoded socket path is accepted as `:authority`

pub mod admission;
pub mod authority_rewrite;
pub mod catch_panic;
mod connection;
pub mod connection_limits;
pub mod deadline;
mod discard;
pub mod message_memory;
pub(crate) mod open_calls;
pub mod read_request;
pub mod refusal;
mod request_memory;
mod request_stream;
pub mod response_fields;
pub mod response_memory;
pub mod settings_ack;
pub mod stream_start;
mod trailers;
mod unary_request;

use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};

use crate::grpcio::wire::method::Methods;

use admission::AdmissionLayer;
use catch_panic::CatchPanicLayer;
use deadline::DeadlineLayer;
use message_memory::ConnectionMemory;
use read_request::ReadRequestLayer;
use response_fields::ResponseFieldsLayer;
use stream_start::StreamStartLayer;

pub use connection::{ByReference, Connection, Transport, connection, connection_with};
pub use settings_ack::EarlyRequests;

/// All rules for calls, in order from the innermost layer to the outermost.
pub type ServerLayers = Stack<
    CatchPanicLayer,
    Stack<
        StreamStartLayer,
        Stack<
            ReadRequestLayer,
            Stack<DeadlineLayer, Stack<AdmissionLayer, Stack<ResponseFieldsLayer, Identity>>>,
        >,
    >,
>;

/// The layers for a service with these methods on one connection, whose early requests are
/// `early_requests` and whose messages use `memory`.
#[must_use]
pub fn layer(
    methods: Methods,
    early_requests: EarlyRequests,
    memory: ConnectionMemory,
) -> ServiceBuilder<ServerLayers> {
    ServiceBuilder::new()
        .layer(ResponseFieldsLayer)
        .layer(AdmissionLayer::new(methods, early_requests, memory.clone()))
        .layer(DeadlineLayer)
        .layer(ReadRequestLayer::new(memory))
        .layer(StreamStartLayer)
        .layer(CatchPanicLayer)
}
