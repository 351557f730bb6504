//! The codecs for the messages of Google's `protobuf` crate, which has the same C code as Python's.
//!
//! prost loses unknown fields and the sign of zero, and rejects some messages that Python accepts.
//! A service that must send the bytes of its Python version needs this library. Like Python, these
//! codecs accept a message that lacks required fields.

use std::marker::PhantomData;

use bytes::{Buf, BufMut};
use protobuf::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::codec::{ClientSide, ServerSide, Side};

/// The codec of a server: encodes responses and decodes requests.
pub type GoogleServerCodec<Response, Request> =
    GoogleProtobufCodec<Response, Request, ServerSide, false>;

/// The codec of a client: encodes requests and decodes responses.
pub type GoogleClientCodec<Request, Response> =
    GoogleProtobufCodec<Request, Response, ClientSide, false>;

/// [`GoogleServerCodec`] for services with required fields: a response that lacks one fails with
/// INTERNAL, as in Python.
///
/// The library has no check of a message in memory, so each response is parsed once. That takes
/// longer than encoding it.
pub type CheckedServerCodec<Response, Request> =
    GoogleProtobufCodec<Response, Request, ServerSide, true>;

/// [`GoogleClientCodec`] for services with required fields: a request that lacks one fails with
/// INTERNAL, as in Python.
///
/// The library has no check of a message in memory, so each request is parsed once. That takes
/// longer than encoding it.
pub type CheckedClientCodec<Request, Response> =
    GoogleProtobufCodec<Request, Response, ClientSide, true>;

/// Encodes `Sent` and decodes `Received` on the side `S`. Messages that lack required fields are
/// received, and sent unless `CHECKED`.
#[derive(Clone, Copy, Debug)]
pub struct GoogleProtobufCodec<Sent, Received, S, const CHECKED: bool>(
    PhantomData<(Sent, Received, S)>,
);

impl<Sent, Received, S, const CHECKED: bool> Default
    for GoogleProtobufCodec<Sent, Received, S, CHECKED>
{
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Sent, Received, S, const CHECKED: bool> Codec
    for GoogleProtobufCodec<Sent, Received, S, CHECKED>
where
    Sent: Message + 'static,
    Received: Message + 'static,
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

impl<Sent: Message, Received, S: Side, const CHECKED: bool> Encoder
    for GoogleProtobufCodec<Sent, Received, S, CHECKED>
{
    type Item = Sent;
    type Error = Status;

    /// Fails for a message with more than 100 levels.
    fn encode(&mut self, message: Sent, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let failed = || Status::internal(S::SERIALIZING_FAILED);
        let bytes = message.serialize().map_err(|_| failed())?;
        if CHECKED && Sent::parse(&bytes).is_err() {
            return Err(failed());
        }
        buffer.put_slice(&bytes);
        Ok(())
    }
}

impl<Sent, Received: Message, S: Side, const CHECKED: bool> Decoder
    for GoogleProtobufCodec<Sent, Received, S, CHECKED>
{
    type Item = Received;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Received>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        let parsed = Received::parse_dont_enforce_required(&bytes);
        parsed.map(Some).map_err(|_| Status::internal(S::DESERIALIZING_FAILED))
    }
}
