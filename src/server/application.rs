//! What a server serves: its services, and around them what tests ask for if it is a server for tests.
//!
//! An enum, so that a server which is none has nothing of it in the path of a call.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic_reflection::server::Error;
use tower::Service;

use super::Options;
use crate::parity::methods::Methods;
use crate::parity::request_body::RequestBody;
use crate::service::answer_body::AnswerBody;
use crate::service::call::Call;
use crate::service::dispatch::Services;
use crate::service::health::Health;
use crate::test_behaviour::{Observations, TestBehaviour};

/// The services of a server and their methods; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) methods: Methods,
    pub(super) handler: Handler,
}

/// What a call is told or leaves behind, whichever worker answers it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) health: Option<Health>,
    observations: Observations,
}

impl Shared {
    pub(super) async fn new(options: &Options) -> Self {
        let health = if options.offer.health { Some(Health::serving().await) } else { None };
        Self { health, observations: Observations::default() }
    }
}

/// What answers a call.
#[derive(Clone, Debug)]
pub(super) enum Handler {
    Services(Services),
    Tested(TestBehaviour<Services>),
}

impl Application {
    /// One of those of a server, which have only `shared` in common.
    pub(super) fn new(options: &Options, shared: &Shared) -> Result<Self, Error> {
        let services =
            Services::new(options.offer, shared.health.as_ref(), options.test_behaviour)?;
        let handler = if options.test_behaviour {
            Handler::Tested(TestBehaviour::new(services, shared.observations.clone()))
        } else {
            Handler::Services(services)
        };
        Ok(Self { methods: options.offer.methods(), handler })
    }
}

impl Service<Request<RequestBody>> for Handler {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Call;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self {
            Self::Services(services) => services.poll_ready(cx),
            Self::Tested(services) => services.poll_ready(cx),
        }
    }

    fn call(&mut self, request: Request<RequestBody>) -> Call {
        match self {
            Self::Services(services) => services.call(request),
            Self::Tested(services) => services.call(request),
        }
    }
}
