//! Dispatches a request to the service that its path names.
//!
//! The names of the services are constants, so a call costs a few comparisons instead of a look-up.
//! The code that tonic generates for the service dispatches to the method.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic::server::NamedService;
use tonic_health::pb::health_server::HealthServer;
use tower::Service;

use super::calculator::CalculatorService;
use super::health::{Health, HealthChecks};
use super::health_list::HealthList;
use super::methods::{CALCULATORS, HEALTH, REFLECTION, SQUARE_ROOT};
use super::reflection::{self, Reflection};
use super::response::{ResponseBody, ResponseFuture};
use super::streaming_calculator::StreamingCalculatorService;
use super::unary;
use crate::grpcio::status;
use crate::grpcio::wire::method::Methods;
use crate::grpcio::wire::request_body::RequestBody;
use crate::rpc::calculator_server::CalculatorServer;
use crate::rpc::streaming_calculator_server::StreamingCalculatorServer;

/// The services that are served in addition to `Calculator` and `StreamingCalculator`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnabledServices {
    /// `grpc.health.v1.Health`.
    pub health: bool,
    /// `grpc.reflection.v1.ServerReflection` and `grpc.reflection.v1alpha.ServerReflection`.
    pub reflection: bool,
}

impl EnabledServices {
    /// The methods of a server with these services.
    #[must_use]
    pub fn methods(self) -> Methods {
        let health = HEALTH.into_iter().filter(|_| self.health);
        let reflection = REFLECTION.into_iter().filter(|_| self.reflection);
        Methods::new(CALCULATORS.into_iter().chain(health).chain(reflection))
    }
}

/// The tonic service for `Calculator`.
type Calculator = CalculatorServer<CalculatorService>;
/// The tonic service for `StreamingCalculator`.
type StreamingCalculator = StreamingCalculatorServer<StreamingCalculatorService>;

/// All services of a server. Clones share them.
#[derive(Clone, Debug)]
pub struct Services(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    compresses: bool,
    calculator: Calculator,
    streaming_calculator: StreamingCalculator,
    health: Option<(HealthServer<HealthChecks>, HealthList)>,
    reflection: Option<Reflection>,
}

impl Services {
    /// Creates the services, including health checking if there is a state to report.
    ///
    /// If the server `compresses`, responses are compressed for clients that accept it. A grpcio
    /// server does not do that by default.
    pub fn new(
        enabled: EnabledServices,
        health: Option<&Health>,
        compresses: bool,
    ) -> Result<Self, tonic_reflection::server::Error> {
        let mut calculator = Calculator::new(CalculatorService);
        let mut streaming_calculator = StreamingCalculator::new(StreamingCalculatorService);
        let health_list = health.map(|one| HealthList::new(one.checks(), compresses));
        let mut health = health.map(|one| HealthServer::new(one.checks()));
        let mut reflection =
            if enabled.reflection { Some(reflection::server(health.is_some())?) } else { None };
        if compresses {
            calculator = calculator.send_compressed(Gzip).send_compressed(Deflate);
            streaming_calculator =
                streaming_calculator.send_compressed(Gzip).send_compressed(Deflate);
            health = health.map(|one| one.send_compressed(Gzip).send_compressed(Deflate));
            reflection = reflection.map(|one| one.send_compressed(Gzip).send_compressed(Deflate));
        }
        let health = health.zip(health_list);
        Ok(Self(Arc::new(Inner {
            compresses,
            calculator,
            streaming_calculator,
            health,
            reflection,
        })))
    }
}

impl Service<Request<RequestBody>> for Services {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> ResponseFuture {
        let path = request.uri().path();
        if path == SQUARE_ROOT
            && !self.0.compresses
            && let Some(message) = request.body().as_single()
        {
            return ResponseFuture::ready(unary::respond(message, CalculatorService::respond));
        }
        reflection::upgrade_v1alpha(&mut request);
        let path = request.uri().path();
        let service = path.strip_prefix('/').and_then(|path| path.split_once('/'));
        let (name, services) = (service.map(|(name, _)| name), &self.0);
        if name == Some(Calculator::NAME) {
            return services.calculator.clone().call(request).into();
        }
        if name == Some(StreamingCalculator::NAME) {
            return services.streaming_calculator.clone().call(request).into();
        }
        if let Some((health, list)) = &services.health
            && name == Some(HealthServer::<HealthChecks>::NAME)
        {
            if HealthList::is_called_by(&request) {
                return list.call(request).into();
            }
            return health.clone().call(request).into();
        }
        if let Some(reflection) = &services.reflection
            && name == Some(Reflection::NAME)
        {
            return reflection.clone().call(request).into();
        }
        ResponseFuture::ready(status::method_not_found().into_http())
    }
}
