//! The codec of grpcio's clients: protobuf, and grpcio's words for what is none.
//!
//! tonic's own codec reports prost's error text, which differs with every field.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Encodes `Request` and decodes `Reply`.
#[derive(Clone, Copy, Debug)]
pub struct ClientCodec<Request, Reply>(PhantomData<(Request, Reply)>);

impl<Request, Reply> Default for ClientCodec<Request, Reply> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Request, Reply> Codec for ClientCodec<Request, Reply>
where
    Request: Message + Send + 'static,
    Reply: Message + Default + Send + 'static,
{
    type Encode = Request;
    type Decode = Reply;
    type Encoder = RequestEncoder<Request>;
    type Decoder = ReplyDecoder<Reply>;

    fn encoder(&mut self) -> RequestEncoder<Request> {
        RequestEncoder(PhantomData)
    }

    fn decoder(&mut self) -> ReplyDecoder<Reply> {
        ReplyDecoder::default()
    }
}

/// Encodes `Request` as protobuf.
#[derive(Clone, Copy, Debug)]
pub struct RequestEncoder<Request>(PhantomData<Request>);

impl<Request: Message> Encoder for RequestEncoder<Request> {
    type Item = Request;
    type Error = Status;

    fn encode(&mut self, request: Request, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        request.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Decodes `Reply` from protobuf.
#[derive(Clone, Copy, Debug)]
pub struct ReplyDecoder<Reply>(PhantomData<Reply>);

impl<Reply> Default for ReplyDecoder<Reply> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Reply: Message + Default> Decoder for ReplyDecoder<Reply> {
    type Item = Reply;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Reply>, Status> {
        let decoded = Reply::decode(buffer);
        decoded.map(Some).map_err(|_| Status::internal("Exception deserializing response!"))
    }
}
