//! The calculator with plain tonic and prost: what a team would deploy without this project.
//!
//! The code is not generated, because the code that the build generates for the Rust server uses its codec and
//! message types.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use calculator::arithmetic::square_root;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// The message as prost derives it. prost does not encode -0.0.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Number {
    /// A float32.
    #[prost(float, tag = "1")]
    pub value: f32,
}

/// Prints the bound address on stdout and serves at `address` forever.
pub async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error + Send + Sync>> {
    // The same options as `Server::serve`, which does not report the address.
    let incoming = TcpIncoming::bind(address)?.with_nodelay(Some(true));
    println!("Listening on {}", incoming.local_addr()?);
    std::io::stdout().flush()?;
    let server = Server::builder().add_service(PlainCalculator);
    Ok(server.serve_with_incoming(incoming).await?)
}

#[derive(Clone, Copy)]
struct PlainCalculator;

impl NamedService for PlainCalculator {
    const NAME: &'static str = "Calculator";
}

type Answer<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl Service<http::Request<Body>> for PlainCalculator {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            if request.uri().path() != "/Calculator/SquareRoot" {
                return Ok(Status::unimplemented("").into_http());
            }
            let mut grpc = Grpc::new(ProstCodec::<Number, Number>::default());
            Ok(grpc.unary(SquareRoot, request).await)
        })
    }
}

struct SquareRoot;

impl Service<Request<Number>> for SquareRoot {
    type Response = Response<Number>;
    type Error = Status;
    type Future = Answer<Self::Response, Status>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Number>) -> Self::Future {
        Box::pin(async move {
            let value = square_root(request.get_ref().value)?;
            Ok(Response::new(Number { value }))
        })
    }
}
