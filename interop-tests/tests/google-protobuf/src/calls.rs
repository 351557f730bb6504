//! Calls with bytes in place of messages, to see what a server receives and sends.

use bytes::Bytes;
use calculator::grpcio::Methods;
use calculator::grpcio::client::{self, GrpcioChannel, Options};
use calculator::grpcio::wire::bytes_codec::BytesCodec;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};

use crate::services::DESCRIPTORS;

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
    let response = client.unary(request, PathAndQuery::from_static(path), BytesCodec).await?;
    Ok(response.into_inner())
}
