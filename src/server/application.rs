//! What a server serves: its services, and around them what tests ask for if it is a server for tests.
//!
//! An enum, so that a server which is none has nothing of it in the path of a call.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic_reflection::server::Error;
use tower::Service;

use super::Options;
use crate::parity::methods::Methods;
use crate::service::dispatch::{Call, Services};
use crate::service::health::Health;
use crate::test_behaviour::TestBehaviour;

/// The services of a server and their methods; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) methods: Methods,
    pub(super) handler: Handler,
}

/// What answers a call.
#[derive(Clone, Debug)]
pub(super) enum Handler {
    Services(Services),
    Tested(TestBehaviour<Services>),
}

impl Application {
    pub(super) fn new(options: &Options, health: Option<&Health>) -> Result<Self, Error> {
        let services = Services::new(options.offer, health, options.test_behaviour)?;
        let handler = if options.test_behaviour {
            Handler::Tested(TestBehaviour::new(services))
        } else {
            Handler::Services(services)
        };
        Ok(Self { methods: options.offer.methods(), handler })
    }
}

impl Service<Request<Body>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Call;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self {
            Self::Services(services) => services.poll_ready(cx),
            Self::Tested(services) => services.poll_ready(cx),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Call {
        match self {
            Self::Services(services) => services.call(request),
            Self::Tested(services) => services.call(request),
        }
    }
}
