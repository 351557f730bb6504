//! Shared by both sides.
pub mod codec;
pub(crate) mod compression;
pub mod filtered_body;
pub mod filtered_io;
pub(crate) mod header_field;
pub(crate) mod header_list;
pub(crate) mod http2;
pub(crate) mod message;
pub(crate) mod message_decoder;
mod metadata_size;
pub mod method;
pub mod request_body;
pub(crate) mod timeout;
