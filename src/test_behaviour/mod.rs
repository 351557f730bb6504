//! What tests ask a server for in a call's metadata: delays, statuses, compression, and what became of
//! another call. `interop-tests/PEERS.md` says what there is.
//!
//! A layer around all services, so that it is the same for every method and no method knows of it. A
//! server wears it only when it is told to, and never in production: any caller could make it wait.
//!
//! - [`asked`]: what the metadata asks for
//! - [`end_after`], [`ending`]: what the method sees of the requests, and the client of the answer
//! - [`observations`]: how calls end

mod asked;
mod end_after;
mod ending;
mod observations;

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::header::HeaderName;
use http::{HeaderMap, Request, Response};
use tonic::body::Body;
use tower::Service;

use crate::parity::request_body::RequestBody;
use crate::service::answer_body::AnswerBody;
use crate::service::call::Call;
use asked::Asked;
use end_after::EndAfter;
use ending::Ending;
pub use observations::Observations;

/// By which tonic decides how it compresses an answer.
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Services that do what tests ask for; clones keep the same calls in mind.
#[derive(Clone, Debug)]
pub struct TestBehaviour<S> {
    services: S,
    observations: Observations,
}

impl<S> TestBehaviour<S> {
    /// Around `services`, which compress what they are asked to; `observations` are those of the
    /// whole server.
    pub fn new(services: S, observations: Observations) -> Self {
        Self { services, observations }
    }
}

impl<S> Service<Request<RequestBody>> for TestBehaviour<S>
where
    S: Service<Request<RequestBody>, Response = Response<AnswerBody>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Call;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.services.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Call {
        // The clone takes the place of the services that have been polled ready.
        let next = self.services.clone();
        let mut services = std::mem::replace(&mut self.services, next);
        let observations = self.observations.clone();
        Call::later(async move {
            let (mut parts, mut requests) = request.into_parts();
            let asked = match Asked::read(&parts.headers) {
                Ok(asked) => asked,
                Err(error) => return Ok(tonic::Status::from(error).into_http()),
            };
            let admitted = requests.admitted();
            let observation = asked.observe.map(|name| observations.begin(name, admitted.timeout));
            let mut trailing = HeaderMap::new();
            if let Some(name) = asked.observed {
                observations.ended(&name).await.tell(&mut trailing);
            }
            trailing.extend(asked.echo_trailing);
            tokio::time::sleep(asked.delay).await;
            // Nothing is compressed unless it is asked for.
            parts.headers.remove(ACCEPT_ENCODING);
            if let Some(encoding) = asked.compression {
                parts.headers.insert(ACCEPT_ENCODING, encoding);
            }
            if let Some(count) = asked.end_after
                && admitted.kind.streams_requests()
            {
                let first = Body::new(EndAfter::new(Body::new(requests), count));
                requests = RequestBody::stream(admitted, first);
            }
            let answer = services.call(Request::from_parts(parts, requests)).await?;
            let streams_answers = admitted.kind.streams_answers();
            let mut ending = Ending::new(answer.map(Body::new), trailing, observation);
            ending.headers().extend(asked.echo_initial);
            if let Some(status) = asked.status {
                ending.with_status(status, streams_answers);
            }
            Ok(ending.into_answer())
        })
    }
}
