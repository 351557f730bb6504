//! From the name of a service in a path to the service.
//!
//! The names of tonic's services are constants, so that a call costs a comparison or two and no
//! look-up; which method it is, tonic's own code for the service finds out.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic::server::NamedService;
use tonic_health::pb::health_server::HealthServer;
use tower::Service;

use super::answer_body::AnswerBody;
use super::calculator::CalculatorService;
use super::call::Call;
use super::health::{Health, HealthChecks};
use super::health_list::HealthList;
use super::reflection::{self, Reflection};
use super::streaming_calculator::StreamingCalculatorService;
use super::unary;
use crate::methods::{CALCULATORS, HEALTH, REFLECTION, SQUARE_ROOT};
use crate::parity::methods::{self, Methods};
use crate::parity::request_body::RequestBody;
use crate::rpc::calculator_server::CalculatorServer;
use crate::rpc::streaming_calculator_server::StreamingCalculatorServer;

/// What is offered beside `Calculator` and `StreamingCalculator`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// `grpc.health.v1.Health`.
    pub health: bool,
    /// `grpc.reflection.v1.ServerReflection` and `grpc.reflection.v1alpha.ServerReflection`.
    pub reflection: bool,
}

impl Offer {
    /// The methods of a server that offers this.
    #[must_use]
    pub fn methods(self) -> Methods {
        let health = HEALTH.into_iter().filter(|_| self.health);
        let reflection = REFLECTION.into_iter().filter(|_| self.reflection);
        Methods::new(CALCULATORS.into_iter().chain(health).chain(reflection))
    }
}

/// The service `Calculator` as tonic serves it.
pub(super) type Calculator = CalculatorServer<CalculatorService>;
/// The service `StreamingCalculator` as tonic serves it.
pub(super) type StreamingCalculator = StreamingCalculatorServer<StreamingCalculatorService>;

/// All services; clones share them.
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
    /// With reflection if it is offered, and health checking if there is something to tell.
    ///
    /// If it `compresses`, answers are compressed for clients that accept it; grpcio's server never
    /// does that by itself.
    pub fn new(
        offer: Offer,
        health: Option<&Health>,
        compresses: bool,
    ) -> Result<Self, tonic_reflection::server::Error> {
        let mut calculator = Calculator::new(CalculatorService);
        let mut streaming_calculator = StreamingCalculator::new(StreamingCalculatorService);
        let health_list = health.map(|one| HealthList::new(one.checks(), compresses));
        let mut health = health.map(|one| HealthServer::new(one.checks()));
        let mut reflection =
            if offer.reflection { Some(reflection::server(health.is_some())?) } else { None };
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
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Call;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Call {
        let path = request.uri().path();
        if path == SQUARE_ROOT
            && !self.0.compresses
            && let Some(message) = request.body().as_one()
        {
            return Call::answered(unary::answer(message, CalculatorService::answer));
        }
        reflection::unite_versions(&mut request);
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
        Call::answered(methods::not_found().into_http())
    }
}
