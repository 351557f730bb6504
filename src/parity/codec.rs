//! The codecs of grpcio: protobuf, and grpcio's words for what is none.
//!
//! tonic's own codec reports prost's error text, which differs with every field.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// The codec of a server: encodes replies and decodes requests.
pub type GrpcioCodec<Reply, Request> = ProtobufCodec<Reply, Request, OfServer>;

/// What a receiver says of a message that it does not take.
pub trait Words: Send + 'static {
    /// Who it is, in what it says of a message that is too large.
    const SIDE: &'static str;
    /// The status message, with INTERNAL.
    const UNREADABLE: &'static str;
}

/// The words of a server. Probes: `no-protobuf-*`, `truncated-*`, `two-messages-the-first-malformed`.
#[derive(Clone, Copy, Debug)]
pub struct OfServer;

impl Words for OfServer {
    const SIDE: &'static str = "SERVER";
    const UNREADABLE: &'static str = "Exception deserializing request!";
}

/// Encodes `Sent` and decodes `Received`.
#[derive(Clone, Copy, Debug)]
pub struct ProtobufCodec<Sent, Received, W>(PhantomData<(Sent, Received, W)>);

impl<Sent, Received, W> Default for ProtobufCodec<Sent, Received, W> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Sent, Received, W> Codec for ProtobufCodec<Sent, Received, W>
where
    Sent: Message + Send + 'static,
    Received: Message + Default + Send + 'static,
    W: Words,
{
    type Encode = Sent;
    type Decode = Received;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<Sent: Message, Received, W> Encoder for ProtobufCodec<Sent, Received, W> {
    type Item = Sent;
    type Error = Status;

    fn encode(&mut self, message: Sent, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<Sent, Received: Message + Default, W: Words> Decoder for ProtobufCodec<Sent, Received, W> {
    type Item = Received;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Received>, Status> {
        let decoded = Received::decode(buffer);
        decoded.map(Some).map_err(|_| Status::internal(W::UNREADABLE))
    }
}
