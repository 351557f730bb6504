//! The protobuf codecs of both sides.
//!
//! tonic's codec reports the error text of prost, which depends on the field that is wrong. grpcio
//! has one fixed text for each side.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// The codec of a server: encodes responses and decodes requests.
pub type ServerCodec<Response, Request> = ProtobufCodec<Response, Request, ServerSide>;

/// The codec of a client: encodes requests and decodes responses.
pub type ClientCodec<Request, Response> = ProtobufCodec<Request, Response, ClientSide>;

/// The side that receives a message, as it appears in status messages.
pub trait Side: Send + 'static {
    /// Its name in the message for a message that is too large.
    const NAME: &'static str;
    /// The message, with INTERNAL, for a message that is not valid protobuf.
    const DESERIALIZING_FAILED: &'static str;
    /// The message, with INTERNAL, for a message of this side that cannot be encoded.
    const SERIALIZING_FAILED: &'static str;
}

/// The server. Probes: `no-protobuf-*`, `truncated-*`, `two-messages-the-first-malformed`.
#[derive(Clone, Copy, Debug)]
pub struct ServerSide;

impl Side for ServerSide {
    const NAME: &'static str = "SERVER";
    const DESERIALIZING_FAILED: &'static str = "Exception deserializing request!";
    const SERIALIZING_FAILED: &'static str = "Failed to serialize response!";
}

/// The client. Behaviours: `message-bytes-*`, `message-rubbish-and-an-error`.
#[derive(Clone, Copy, Debug)]
pub struct ClientSide;

impl Side for ClientSide {
    const NAME: &'static str = "CLIENT";
    const DESERIALIZING_FAILED: &'static str = "Exception deserializing response!";
    const SERIALIZING_FAILED: &'static str = "Exception serializing request!";
}

/// Encodes `Sent` and decodes `Received` on the side `S`.
#[derive(Clone, Copy, Debug)]
pub struct ProtobufCodec<Sent, Received, S>(PhantomData<(Sent, Received, S)>);

impl<Sent, Received, S> Default for ProtobufCodec<Sent, Received, S> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Sent, Received, S> Codec for ProtobufCodec<Sent, Received, S>
where
    Sent: Message + Send + 'static,
    Received: Message + Default + Send + 'static,
    S: Side,
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

impl<Sent: Message, Received, S> Encoder for ProtobufCodec<Sent, Received, S> {
    type Item = Sent;
    type Error = Status;

    fn encode(&mut self, message: Sent, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<Sent, Received: Message + Default, S: Side> Decoder for ProtobufCodec<Sent, Received, S> {
    type Item = Received;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Received>, Status> {
        let decoded = Received::decode(buffer);
        decoded.map(Some).map_err(|_| Status::internal(S::DESERIALIZING_FAILED))
    }
}
