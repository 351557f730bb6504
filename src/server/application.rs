//! The services of a server, with the layer for test directives if it is enabled.
//!
//! An enum, so that the layer costs nothing in the path of a call if it is disabled.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic_reflection::server::Error;
use tower::Service;

use super::options::Options;
use crate::grpcio::wire::method::Methods;
use crate::grpcio::wire::request_body::RequestBody;
use crate::service::dispatch::Services;
use crate::service::health::Health;
use crate::service::response::{ResponseBody, ResponseFuture};
use crate::test_directives::TestDirectives;
use crate::test_directives::observations::Observations;

/// The services and methods of a server. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) methods: Methods,
    pub(super) handler: Handler,
}

/// The state that all workers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) health: Option<Health>,
    observations: Observations,
}

impl Shared {
    pub(super) async fn new(options: &Options) -> Self {
        let health = if options.services.health { Some(Health::serving().await) } else { None };
        Self { health, observations: Observations::default() }
    }
}

/// Responds to calls.
#[derive(Clone, Debug)]
pub(super) enum Handler {
    Services(Services),
    WithDirectives(TestDirectives<Services>),
}

impl Application {
    /// The application of one worker.
    pub(super) fn new(options: &Options, shared: &Shared) -> Result<Self, Error> {
        let (enabled, compresses) = (options.services, options.test_directives);
        let services = Services::new(enabled, shared.health.as_ref(), compresses)?;
        let handler = if options.test_directives {
            let observations = shared.observations.clone();
            Handler::WithDirectives(TestDirectives::new(services, observations))
        } else {
            Handler::Services(services)
        };
        Ok(Self { methods: enabled.methods(), handler })
    }
}

impl Service<Request<RequestBody>> for Handler {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self {
            Self::Services(services) => services.poll_ready(cx),
            Self::WithDirectives(services) => services.poll_ready(cx),
        }
    }

    fn call(&mut self, request: Request<RequestBody>) -> ResponseFuture {
        match self {
            Self::Services(services) => services.call(request),
            Self::WithDirectives(services) => services.call(request),
        }
    }
}
