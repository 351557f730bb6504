//! A codec that sends a request's bytes as they are.
//!
//! A scenario can send what no `Number` encodes to: an empty message, unknown fields, rubbish.

use calculator::Number;
use calculator::client::codec::ClientCodec;
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};

/// Requests are bytes, replies are [`Number`]s.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RawCodec;

impl Codec for RawCodec {
    type Encode = Vec<u8>;
    type Decode = Number;
    type Encoder = Self;
    type Decoder = ClientCodec<Number, Number>;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> ClientCodec<Number, Number> {
        ClientCodec::default()
    }
}

impl Encoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(buffer, &message);
        Ok(())
    }
}
