//! The codec of grpcio's servers: protobuf, and grpcio's words for what is none.
//!
//! tonic's own codec reports prost's error text, which differs with every field.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Encodes `Reply` and decodes `Request`.
#[derive(Clone, Copy, Debug)]
pub struct GrpcioCodec<Reply, Request>(PhantomData<(Reply, Request)>);

impl<Reply, Request> Default for GrpcioCodec<Reply, Request> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Reply, Request> Codec for GrpcioCodec<Reply, Request>
where
    Reply: Message + Send + 'static,
    Request: Message + Default + Send + 'static,
{
    type Encode = Reply;
    type Decode = Request;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<Reply: Message, Request> Encoder for GrpcioCodec<Reply, Request> {
    type Item = Reply;
    type Error = Status;

    fn encode(&mut self, reply: Reply, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        reply.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<Reply, Request: Message + Default> Decoder for GrpcioCodec<Reply, Request> {
    type Item = Request;
    type Error = Status;

    /// Probes: `no-protobuf-*`, `truncated-*`, `two-messages-the-first-malformed`.
    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Request>, Status> {
        let decoded = Request::decode(buffer);
        decoded.map(Some).map_err(|_| Status::internal("Exception deserializing request!"))
    }
}
