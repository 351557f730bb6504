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
pub mod authority_rewrite;
pub mod catch_panic;
pub mod connection_limits;
pub mod deadline;
mod header_blocks;
mod hpack_field;
pub mod read_request;
pub mod refusal;
mod request_stream;
pub mod settings_ack;
pub(crate) mod trailers;
mod unary_request;

use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};

use crate::grpcio::wire::method::Methods;

use admission::AdmissionLayer;
use catch_panic::ContainmentLayer;
use connection_limits::Peer;
use deadline::DeadlineLayer;
use read_request::RequestLayer;

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
