//! What grpcio's server does that tonic's does not.
//!
//! Callers of a Python server rely on its answers without knowing it, down to the texts. Each rule
//! has a place of its own here and looks only at what can trigger it, so that an ordinary call pays
//! next to nothing. All was observed on grpcio 1.85.1; the probes of the suite `server-parity` that
//! prove a rule are named where it stands.
//!
//! Another tonic service wears the same layers with [`layer`], and [`codec::GrpcioCodec`] as the
//! codec of its messages:
//!
//! - [`admission`]: what is decided by the request's header fields ([`header_list`],
//!   [`header_fields`], [`metadata_size`], [`timeout`], [`methods`], [`trailers`]), and how a call is
//!   refused ([`refusal`])
//! - [`deadline`]: a call ends when its time is over
//! - [`request`]: exactly one message (`unary_request`) or a stream of them (`request_stream`), each
//!   of limited size (`message`, `messages`), decompressed (`compression`), as a [`request_body`]
//! - [`containment`]: a handler that panics fails its own call
//! - [`connection`], [`handshake`]: limits of a connection, and what is known about its peer
//! - [`authority`]: what grpcio's clients call a Unix socket (`header_blocks`, `hpack_field`)

pub mod admission;
pub mod authority;
pub mod codec;
pub(crate) mod compression;
pub mod connection;
pub mod containment;
pub mod deadline;
pub mod handshake;
mod header_blocks;
pub(crate) mod header_fields;
pub(crate) mod header_list;
mod hpack_field;
pub(crate) mod message;
pub(crate) mod messages;
mod metadata_size;
pub mod methods;
pub mod refusal;
pub mod request;
pub mod request_body;
mod request_stream;
pub(crate) mod timeout;
pub(crate) mod trailers;
mod unary_request;

use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};

use admission::AdmissionLayer;
use connection::Peer;
use containment::ContainmentLayer;
use deadline::DeadlineLayer;
use methods::Methods;
use request::RequestLayer;

/// The largest message that grpcio takes by default, in bytes.
pub const MAX_MESSAGE_SIZE: usize = 4 * 1024 * 1024;

/// All layers in their order, the admission outermost.
pub type ParityLayer = Stack<
    ContainmentLayer,
    Stack<RequestLayer, Stack<DeadlineLayer, Stack<AdmissionLayer, Identity>>>,
>;

/// The layers around a service that has these methods, for the connection of `peer`.
#[must_use]
pub fn layer(methods: Methods, peer: Peer) -> ServiceBuilder<ParityLayer> {
    ServiceBuilder::new()
        .layer(AdmissionLayer::new(methods, peer))
        .layer(DeadlineLayer)
        .layer(RequestLayer)
        .layer(ContainmentLayer)
}
