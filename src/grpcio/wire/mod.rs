//! gRPC's wire format as grpcio reads and writes it, for servers and clients alike.
//!
//! Nothing here knows which side it serves. Services may use it too, because it imports neither
//! [`server`](super::server) nor [`client`](super::client).
//!
//! - HTTP/2: `http2` (preface and frame headers), [`filtered_io`] (a transport whose bytes are
//!   inspected or changed)
//! - Header fields: `header_field`, `header_list`, `timeout`, [`method`]
//! - Messages: `message`, `message_decoder`, `compression`, [`codec`], [`bytes_codec`]; `google_protobuf`, the codec of the
//!   feature `google-protobuf`
//! - Bodies: [`filtered_body`] (a body whose frames are inspected or changed), [`request_body`]

pub mod bytes_codec;
pub mod codec;
pub(crate) mod compression;
pub mod filtered_body;
pub mod filtered_io;
#[cfg(feature = "google-protobuf")]
pub mod google_protobuf;
pub(crate) mod header_field;
pub(crate) mod header_list;
pub(crate) mod http2;
pub(crate) mod message;
pub(crate) mod message_decoder;
pub mod method;
pub mod request_body;
pub(crate) mod timeout;
