//! Calls with the bytes of messages, to any method.
//!
//! They send what no generated stub sends: no bytes at all, unknown fields, malformed messages.

use calculator::Number;
use calculator::grpcio::client::ClientCodec;
use calculator::grpcio::wire::bytes_codec::BytesCodec;
use futures_util::StreamExt;
use http::uri::PathAndQuery;
use prost::bytes::Bytes;
use tonic::codec::Codec;
use tonic::{Request, Response, Status};

use crate::open_call::{Replies, Requests, one};
use crate::recorder::Recorder;
use grpc_interop_protocol::Kind;

/// Calls a method whose response is one [`Number`].
pub(crate) async fn for_number(
    recorder: Recorder,
    request: Request<Bytes>,
    path: PathAndQuery,
) -> Result<Response<Number>, Status> {
    ready(recorder).await?.unary(request, path, NumberCodec).await
}

/// Begins a call of any kind.
pub(crate) async fn begin(
    recorder: Recorder,
    request: Request<Requests>,
    path: PathAndQuery,
    kind: Kind,
) -> Result<Replies, Status> {
    let mut grpc = ready(recorder).await?;
    let (metadata, extensions, mut requests) = request.into_parts();
    if kind.has_many_requests() {
        let request = Request::from_parts(metadata, extensions, requests);
        if kind.has_many_replies() {
            grpc.streaming(request, path, BytesCodec).await.map(many)
        } else {
            grpc.client_streaming(request, path, BytesCodec).await.map(one)
        }
    } else {
        let first = requests.next().await.unwrap_or_default();
        let request = Request::from_parts(metadata, extensions, first);
        if kind.has_many_replies() {
            grpc.server_streaming(request, path, BytesCodec).await.map(many)
        } else {
            grpc.unary(request, path, BytesCodec).await.map(one)
        }
    }
}

fn many(response: Response<tonic::Streaming<Bytes>>) -> Replies {
    Box::pin(response.into_inner())
}

async fn ready(recorder: Recorder) -> Result<tonic::client::Grpc<Recorder>, Status> {
    let mut grpc = tonic::client::Grpc::new(recorder);
    grpc.ready().await.map_err(Status::from_error)?;
    Ok(grpc)
}

/// Requests are bytes, responses are [`Number`]s.
#[derive(Clone, Copy, Debug, Default)]
struct NumberCodec;

impl Codec for NumberCodec {
    type Encode = Bytes;
    type Decode = Number;
    type Encoder = BytesCodec;
    type Decoder = ClientCodec<Number, Number>;

    fn encoder(&mut self) -> BytesCodec {
        BytesCodec
    }

    fn decoder(&mut self) -> ClientCodec<Number, Number> {
        ClientCodec::default()
    }
}
