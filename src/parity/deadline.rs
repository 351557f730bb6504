//! A call whose time is over ends with DEADLINE_EXCEEDED, wherever it is.
//!
//! grpcio keeps the deadline on the server too: also a client that never sends its message, or
//! whose own clock has stopped, gets an answer. Probes: `timeout-passes*`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::admission::Admitted;
use super::refusal::{Refusal, StreamReset};

/// Makes [`Deadline`] services.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadlineLayer;

/// Ends calls that take longer than their client waits.
#[derive(Clone, Debug)]
pub struct Deadline<S>(S);

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline(inner)
    }
}

/// A call that has a deadline.
#[derive(Debug)]
pub struct Limited<F>(Pin<Box<tokio::time::Timeout<F>>>);

impl<F> Future for Limited<F>
where
    F: Future<Output = Result<Response<Body>, StreamReset>>,
{
    type Output = Result<Response<Body>, StreamReset>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(|ended| {
            ended.unwrap_or_else(|_| {
                Refusal::from(Status::deadline_exceeded("Deadline Exceeded")).into_answer()
            })
        })
    }
}

impl<S, B> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = StreamReset>,
{
    type Response = Response<Body>;
    type Error = StreamReset;
    type Future = Either<Limited<S::Future>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let admitted = request.extensions().get::<Admitted>();
        let timeout = admitted.and_then(|admitted| admitted.timeout);
        let call = self.0.call(request);
        match timeout {
            None => Either::Right(call),
            Some(timeout) => Either::Left(Limited(Box::pin(tokio::time::timeout(timeout, call)))),
        }
    }
}
