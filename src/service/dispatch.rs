//! Dispatches a request to the calculator that its path names.
//!
//! tonic's router is not used: it depends on a web framework, and the layers of
//! [`grpcio`](crate::grpcio) have already looked up the method. The code that tonic generates for a
//! service dispatches to the method.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic::server::NamedService;
use tower::Service;

use super::calculator::CalculatorService;
use super::methods::{EXCHANGE, SQUARE_ROOT};
use super::response::{ResponseBody, ResponseFuture};
use super::streaming_calculator::StreamingCalculatorService;
use super::unary;
use crate::grpcio::status;
use crate::grpcio::wire::request_body::RequestBody;
use crate::rpc::calculator_server::CalculatorServer;
use crate::rpc::streaming_calculator_server::StreamingCalculatorServer;

/// The tonic service for `Calculator`.
type Calculator = CalculatorServer<CalculatorService>;
/// The tonic service for `StreamingCalculator`.
type StreamingCalculator = StreamingCalculatorServer<StreamingCalculatorService>;

/// Both calculators. Clones share them.
#[derive(Clone, Debug)]
pub struct Services(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    compresses: bool,
    calculator: Calculator,
    streaming_calculator: StreamingCalculator,
}

impl Services {
    /// Creates the services.
    ///
    /// If the server `compresses`, responses are compressed for clients that accept it. A grpcio
    /// server does not do that by default.
    #[must_use]
    pub fn new(compresses: bool) -> Self {
        let mut calculator = Calculator::new(CalculatorService);
        let mut streaming_calculator = StreamingCalculator::new(StreamingCalculatorService);
        if compresses {
            calculator = calculator.send_compressed(Gzip).send_compressed(Deflate);
            streaming_calculator =
                streaming_calculator.send_compressed(Gzip).send_compressed(Deflate);
        }
        Self(Arc::new(Inner { compresses, calculator, streaming_calculator }))
    }
}

impl Service<Request<RequestBody>> for Services {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> ResponseFuture {
        let path = request.uri().path();
        if !self.0.compresses
            && let Some(message) = request.body().as_single()
        {
            if path == SQUARE_ROOT {
                return ResponseFuture::ready(unary::respond(message, CalculatorService::respond));
            }
            if path == EXCHANGE {
                let respond = |request| StreamingCalculatorService::respond_in_parts(&request);
                return ResponseFuture::ready(unary::respond_with(message, respond));
            }
        }
        let service = path.strip_prefix('/').and_then(|path| path.split_once('/'));
        match service.map(|(name, _)| name) {
            Some(Calculator::NAME) => self.0.calculator.clone().call(request).into(),
            Some(StreamingCalculator::NAME) => {
                self.0.streaming_calculator.clone().call(request).into()
            }
            _ => ResponseFuture::ready(status::method_not_found().into_http()),
        }
    }
}
