//! The codec of grpcio's clients.
//!
//! The server's with other words: a caller reads which of the two could not be read.

use crate::parity::codec::{ProtobufCodec, Words};

/// Encodes requests and decodes replies.
pub type ClientCodec<Request, Reply> = ProtobufCodec<Request, Reply, OfClient>;

/// The words of a client. Behaviours: `message-bytes-*`, `message-rubbish-and-an-error`.
#[derive(Clone, Copy, Debug)]
pub struct OfClient;

impl Words for OfClient {
    const SIDE: &'static str = "CLIENT";
    const UNREADABLE: &'static str = "Exception deserializing response!";
}
