//! The services of a server, with the layer for test directives if it is enabled.
//!
//! An enum, so that the layer costs nothing in the path of a call if it is disabled.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::{Layer, Service};

use crate::grpcio::services::{StandardBody, StandardFuture, StandardServices};
use crate::grpcio::wire::request_body::RequestBody;
use crate::service::dispatch::Services;
use crate::service::response::{ResponseBody, ResponseFuture};
use crate::test_directives::TestDirectives;
use crate::test_directives::observations::Observations;

/// All services of a server.
type All = StandardServices<Services>;

/// Makes the services follow test directives if it is enabled.
#[derive(Clone, Copy, Debug)]
pub struct DirectivesLayer {
    /// Otherwise it changes nothing.
    pub(super) is_enabled: bool,
}

impl Layer<All> for DirectivesLayer {
    type Service = Handler;

    fn layer(&self, services: All) -> Handler {
        if self.is_enabled {
            Handler::WithDirectives(TestDirectives::new(services, Observations::default()))
        } else {
            Handler::Services(services)
        }
    }
}

/// Responds to calls. Clones share the services.
#[derive(Clone, Debug)]
pub enum Handler {
    /// As they are.
    Services(All),
    /// With test directives.
    WithDirectives(TestDirectives<All>),
}

impl Service<Request<RequestBody>> for Handler {
    type Response = Response<StandardBody<ResponseBody>>;
    type Error = Infallible;
    type Future = StandardFuture<ResponseFuture>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self {
            Self::Services(services) => services.poll_ready(cx),
            Self::WithDirectives(services) => services.poll_ready(cx),
        }
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        match self {
            Self::Services(services) => services.call(request),
            Self::WithDirectives(services) => StandardFuture::program(services.call(request)),
        }
    }
}
