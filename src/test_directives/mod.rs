//! Behaviour that a test requests through the metadata of a call: delays, statuses, compression,
//! and the outcome of another call. `interop-tests/docs/peers.md` lists the directives.
//!
//! A layer around all services, so that it works the same for every method and no method knows of
//! it. It is enabled only by an option for tests and never in production, because any caller could
//! delay the server.
//!
//! - `directives`: parses the metadata
//! - `end_after`: limits the requests that the method receives
//! - `response_ending`: changes the end of the response
//! - [`observations`]: records how calls end

mod directives;
mod end_after;
pub mod observations;
mod response_ending;

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tonic::body::Body;
use tower::Service;

use crate::grpcio::wire::compression::ACCEPT_ENCODING;
use crate::grpcio::wire::request_body::RequestBody;
use crate::service::response::{ResponseBody, ResponseFuture};
use directives::Directives;
use end_after::end_after;
use observations::Observations;
use response_ending::ResponseEnding;

/// Services that follow test directives. Clones share the observed calls.
#[derive(Clone, Debug)]
pub struct TestDirectives<S> {
    services: S,
    observations: Observations,
}

impl<S> TestDirectives<S> {
    /// Wraps `services`, which compress responses on request. `observations` are shared by the
    /// whole server.
    pub fn new(services: S, observations: Observations) -> Self {
        Self { services, observations }
    }
}

impl<S, B> Service<Request<RequestBody>> for TestDirectives<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.services.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> ResponseFuture {
        // Takes the services that have been polled ready, and leaves a clone in their place.
        let next = self.services.clone();
        let mut services = std::mem::replace(&mut self.services, next);
        let observations = self.observations.clone();
        ResponseFuture::boxed(async move {
            let (mut parts, mut requests) = request.into_parts();
            let directives = match Directives::parse(&parts.headers) {
                Ok(directives) => directives,
                Err(error) => return Ok(tonic::Status::from(error).into_http()),
            };
            let call = requests.call();
            let observation = directives.observe.map(|name| observations.begin(name, call.timeout));
            let mut trailing = HeaderMap::new();
            if let Some(name) = directives.observed {
                observations.wait_for(&name).await.write(&mut trailing);
            }
            trailing.extend(directives.echo_trailing);
            tokio::time::sleep(directives.delay).await;
            // Responses are compressed only on request.
            parts.headers.remove(ACCEPT_ENCODING);
            if let Some(encoding) = directives.compression {
                parts.headers.insert(ACCEPT_ENCODING, encoding);
            }
            if let Some(count) = directives.end_after
                && call.kind.streams_requests()
            {
                requests = RequestBody::stream(call, Body::new(end_after(requests, count)));
            }
            let response = services.call(Request::from_parts(parts, requests)).await?;
            let mut ending = ResponseEnding::new(response.map(Body::new), trailing, observation);
            ending.headers().extend(directives.echo_initial);
            if let Some(status) = directives.status {
                ending.set_status(status, call.kind.streams_responses());
            }
            Ok(ending.into_response())
        })
    }
}
