//! A call ends when its time is over, whatever the server and the connection do.
//!
//! tonic's channel looks at the time until the header fields of the answer have come, and says
//! CANCELLED; a server that then falls silent would keep a caller for ever.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use tokio::time::{Sleep, sleep};
use tonic::body::Body;
use tower::{Layer, Service};

use super::answer::failed;
use crate::parity::timeout::{self, Timeout};
use crate::parity::trailers;

/// Makes [`Deadline`] services.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadlineLayer;

/// Ends calls with DEADLINE_EXCEEDED when the time in their `grpc-timeout` is over.
#[derive(Clone, Debug)]
pub struct Deadline<S>(S);

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline(inner)
    }
}

impl<S> Service<Request<Body>> for Deadline<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let timeout = request.headers().get(timeout::FIELD);
        let timeout = timeout.and_then(|value| timeout::parse(value.as_bytes()));
        let answer = self.0.call(request);
        let Some(Timeout::After(timeout)) = timeout else { return Box::pin(answer) };
        Box::pin(async move {
            let mut deadline = Box::pin(sleep(timeout));
            tokio::select! {
                // A call that has no time left is not even begun.
                biased;
                () = &mut deadline => Ok(failed(timeout::exceeded())),
                answer = answer => {
                    Ok(answer?.map(|body| Body::new(DeadlineBody { body: Some(body), deadline })))
                }
            }
        })
    }
}

/// The body of an answer for which a caller only waits until the deadline.
struct DeadlineBody {
    /// Nothing after the end, which also resets the stream that the server has left open.
    body: Option<Body>,
    deadline: Pin<Box<Sleep>>,
}

impl http_body::Body for DeadlineBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        // First, or a server that sends without a pause would never be too late.
        if this.deadline.as_mut().poll(cx).is_pending() {
            return Pin::new(body).poll_frame(cx);
        }
        this.body = None;
        Poll::Ready(Some(Ok(Frame::trailers(trailers::of(&timeout::exceeded())))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }
}
