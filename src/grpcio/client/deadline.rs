//! A call ends when its deadline passes, whatever the server and the connection do.
//!
//! tonic's channel enforces the timeout only until the header fields of the response have arrived,
//! and returns CANCELLED. A server that stalls after that would block the caller forever.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body::Frame;
use tokio::time::{Sleep, sleep};
use tonic::body::Body;
use tower::{Layer, Service};

use crate::grpcio::status;
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};
use crate::grpcio::wire::timeout::{self, GRPC_TIMEOUT, Timeout};

/// The longest timeout that `grpc-timeout` can express: eight digits of hours.
const MAX_TIMEOUT: Duration = Duration::from_secs(99_999_999 * 60 * 60);

/// A request with a deadline, which is sent to the server and enforced by [`Deadline`].
pub fn request<T>(message: T, timeout: Option<Duration>) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if let Some(timeout) = timeout {
        // tonic panics if it cannot express the timeout.
        request.set_timeout(timeout.min(MAX_TIMEOUT));
    }
    request
}

/// Adds [`Deadline`] to a channel.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadlineLayer;

/// Ends calls with DEADLINE_EXCEEDED when the time in their `grpc-timeout` has passed.
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
        let timeout = request.headers().get(GRPC_TIMEOUT);
        let timeout = timeout.and_then(|value| timeout::parse(value.as_bytes()));
        let response = self.0.call(request);
        let Some(Timeout::After(timeout)) = timeout else { return Box::pin(response) };
        Box::pin(async move {
            let mut deadline = Box::pin(sleep(timeout));
            tokio::select! {
                // A call without any time left is not started.
                biased;
                () = &mut deadline => Ok(status::deadline_exceeded().into_http()),
                response = response => {
                    let filter = DeadlineFilter { deadline };
                    Ok(response?.map(|body| Body::new(FilteredBody::new(body, filter))))
                }
            }
        })
    }
}

/// Ends the body of a response at the deadline, which also resets a stream that is still open.
struct DeadlineFilter {
    deadline: Pin<Box<Sleep>>,
}

impl BodyFilter<Body> for DeadlineFilter {
    fn poll_frame(
        &mut self,
        body: &mut Source<Body>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<tonic::Status>> {
        // Checked first, because a server may send without a pause.
        if self.deadline.as_mut().poll(cx).is_pending() {
            return body.poll_frame(cx);
        }
        body.close();
        let trailers = status::trailers(&status::deadline_exceeded());
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

#[cfg(test)]
mod tests {
    use super::request;
    use std::time::Duration;

    #[test]
    fn any_timeout_can_be_sent() {
        for (seconds, header) in [(1, "1000000u"), (u64::MAX, "99999999H")] {
            let request = request((), Some(Duration::from_secs(seconds)));
            let sent = request.metadata().get("grpc-timeout");
            assert_eq!(sent.map(tonic::metadata::MetadataValue::as_bytes), Some(header.as_bytes()));
        }
        assert!(request((), None).metadata().is_empty());
    }
}
