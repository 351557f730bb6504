//! The servers: they return each request, or send a response that is not valid protobuf.

use std::convert::Infallible;

use calculator::grpcio::serve::{GrpcService, listen};
use calculator::grpcio::{self, Options};
use tonic::body::Body;
use tonic::codegen::http;
use tonic::{Request, Response, Status, Streaming};

use crate::messages::{Required, Sample};
use crate::services::echo_server::{Echo, EchoServer};
use crate::services::{DESCRIPTORS, checked};

/// Returns each request.
struct Server;

#[tonic::async_trait]
impl Echo for Server {
    async fn unary(&self, request: Request<Sample>) -> Result<Response<Sample>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    type StreamStream = Streaming<Sample>;

    async fn stream(
        &self,
        request: Request<Streaming<Sample>>,
    ) -> Result<Response<Streaming<Sample>>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn strict(&self, request: Request<Required>) -> Result<Response<Required>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

#[tonic::async_trait]
impl checked::echo_server::Echo for Server {
    async fn unary(&self, request: Request<Sample>) -> Result<Response<Sample>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    type StreamStream = Streaming<Sample>;

    async fn stream(
        &self,
        request: Request<Streaming<Sample>>,
    ) -> Result<Response<Streaming<Sample>>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn strict(&self, request: Request<Required>) -> Result<Response<Required>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

/// Serves `service` and returns its address.
fn start(service: impl GrpcService + Sync) -> String {
    let address = "127.0.0.1:0".parse().expect("an address");
    let listeners = listen::bind(&address, listen::Options::default()).expect("a free port");
    let address = listeners[0].local_address().expect("an address").to_string();
    let options = Options::new(DESCRIPTORS, &["sample.Echo"]).expect("the descriptors");
    tokio::spawn(async {
        grpcio::serve(listeners, service, options, std::future::pending()).await.expect("a start");
    });
    address
}

/// Starts a server with the codec.
pub(crate) fn echo() -> String {
    start(EchoServer::new(Server))
}

/// Starts a server with the codec that checks required fields.
pub(crate) fn checked_echo() -> String {
    start(checked::echo_server::EchoServer::new(Server))
}

/// Starts a server whose responses are not valid protobuf.
pub(crate) fn malformed() -> String {
    start(tower::service_fn(|_| async {
        let body = Body::new(http_body_util::Full::from(&b"\0\0\0\0\x01\xff"[..]));
        let response = http::Response::builder().header("content-type", "application/grpc");
        Ok::<_, Infallible>(response.body(body).expect("a response"))
    }))
}
