//! Calls with bytes in place of messages, to see what a server receives and sends.

use bytes::{Buf, BufMut, Bytes};
use calculator::grpcio::Methods;
use calculator::grpcio::client::{self, GrpcioChannel, Options};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};

use crate::services::DESCRIPTORS;

/// Sends and receives messages as they are.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// A channel to the server at `address`.
pub(crate) fn channel(address: &str) -> GrpcioChannel {
    let methods = Methods::from_descriptors(DESCRIPTORS, &["sample.Echo"]).expect("the service");
    client::channel(&address.parse().expect("an address"), methods, Options::default())
}

/// Calls a method with one request, and returns the bytes of the response.
pub(crate) async fn call(
    address: &str,
    path: &'static str,
    message: &[u8],
) -> Result<Bytes, Status> {
    let mut client = Grpc::new(channel(address));
    client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let request = Request::new(Bytes::copy_from_slice(message));
    let response = client.unary(request, PathAndQuery::from_static(path), Raw).await?;
    Ok(response.into_inner())
}
