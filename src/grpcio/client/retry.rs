//! A call that the server has not processed is retried transparently on another connection.
//!
//! A server that shuts down gracefully reports with GOAWAY which calls it will not process. grpcio
//! retries those, so that callers do not notice when a server is replaced. A call with
//! [`WaitForReady`] is retried until its server can be reached.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service, ServiceExt};

use super::error_status;
use super::replay::ReplayBuffer;
use super::wait_for_ready::{Backoff, WaitForReady};
use crate::grpcio::wire::filtered_body::{FilteredBody, Hold};

/// The maximum number of attempts for a call that could not be sent. One connection may close just
/// before the call; several in a row mean that the server is unusable.
const MAX_ATTEMPTS: usize = 5;

/// Adds [`Retry`] to a channel.
#[derive(Clone, Copy, Debug, Default)]
pub struct RetryLayer;

/// Retries calls that have not reached the application of the server.
#[derive(Clone, Debug)]
pub struct Retry<S>(S);

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry(inner)
    }
}

/// The progress of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The call was not sent.
    Unsent,
    /// The call was sent, and the server reports that it has not processed it.
    Unprocessed,
    /// The server may have processed the call.
    Processed,
}

impl Progress {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let of_cause = |error: &(dyn Error + 'static)| {
            if error.downcast_ref().is_some_and(hyper::Error::is_canceled) {
                return Some(Self::Unsent);
            }
            let http2 = error.downcast_ref::<h2::Error>()?;
            (http2.is_go_away() && http2.is_remote()).then_some(Self::Unprocessed)
        };
        error_status::causes(error).find_map(of_cause).unwrap_or(Self::Processed)
    }
}

impl<S> Service<Request<Body>> for Retry<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>> + Send,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Takes the service that has been polled ready, and leaves a clone in its place.
        let next = self.0.clone();
        let mut inner = std::mem::replace(&mut self.0, next);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let buffer = ReplayBuffer::new(body);
            let mut backoff = parts.extensions.get().map(|WaitForReady| Backoff::default());
            let mut was_unprocessed = false;
            let mut attempts = 0;
            loop {
                attempts += 1;
                let request = Request::from_parts(parts.clone(), buffer.attempt());
                let error = match inner.ready().await.map_err(Into::into) {
                    Ok(service) => match service.call(request).await {
                        Ok(response) => {
                            buffer.commit();
                            // Dropping the response cancels the rest of the call.
                            let hold = Hold::new(buffer);
                            return Ok(
                                response.map(|body| Body::new(FilteredBody::new(body, hold)))
                            );
                        }
                        Err(error) => error.into(),
                    },
                    Err(error) => error,
                };
                if let Some(backoff) = &mut backoff
                    && error_status::is_unreachable(&*error)
                {
                    tokio::time::sleep(backoff.next()).await;
                    attempts = 0;
                    continue;
                }
                let again = match Progress::of(&*error) {
                    Progress::Unsent => attempts < MAX_ATTEMPTS,
                    Progress::Unprocessed => !std::mem::replace(&mut was_unprocessed, true),
                    Progress::Processed => false,
                };
                if !again || !buffer.is_complete() {
                    return Err(error);
                }
            }
        })
    }
}
