//! grpcio behaviour that tonic lacks, as tower layers and codecs that any tonic program can use.
//!
//! Programs rely on the statuses, texts and limits of grpcio without knowing it. Everything here
//! was observed on grpcio 1.85.1 and is proved by the suites `server-parity` and `client-parity`.
//! This module knows no particular service.
//!
//! - [`serve()`]: serves any tower service with all of this, from listening sockets to a shutdown
//! - [`services`]: health checking and reflection
//! - [`server`]: what grpcio's server does; [`server::layer`] adds the rules for calls to a service
//! - [`client`]: what grpcio's client does; [`client::channel`] returns a channel with all of it
//! - [`wire`]: the wire format, shared by both sides
//! - [`descriptors`]: the methods of a program from its descriptors
//! - [`status`]: statuses with the texts of grpcio
//! - [`address`] and [`pem`]: addresses and TLS files, for both sides

pub mod address;
pub mod client;
pub mod descriptors;
pub mod pem;
pub mod serve;
pub mod server;
pub mod services;
pub mod status;
pub mod wire;

pub use serve::{Drained, Options, ServeError, serve};
pub use wire::codec::{ClientCodec, ServerCodec};
#[cfg(feature = "google-protobuf")]
pub use wire::google_protobuf::{GoogleClientCodec, GoogleServerCodec};
pub use wire::method::Methods;
