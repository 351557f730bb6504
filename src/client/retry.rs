//! A call that the server has never looked at is made again, on another connection.
//!
//! A server that is stopped in good order tells with GOAWAY which calls it will not answer; grpcio
//! makes those anew without telling anybody, and so nobody notices that a server was replaced. A call
//! that waits for its server is made again until there is one.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service, ServiceExt};

use super::failure;
use super::replay::Recording;
use super::wait::{Pauses, WaitForReady};

/// How often a call is begun that could not even be sent. A connection that closes in the same
/// moment is rare; one after the other is a server that cannot be used.
const ATTEMPTS: usize = 5;

/// Makes [`Retry`] services.
#[derive(Clone, Copy, Debug, Default)]
pub struct RetryLayer;

/// Makes calls anew that have not reached the server's application.
#[derive(Clone, Debug)]
pub struct Retry<S>(S);

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry(inner)
    }
}

/// How far a call has come that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// It was never sent.
    Unsent,
    /// It was sent, and the server says that it has not looked at it.
    Unseen,
    /// The server may have begun with it.
    Seen,
}

impl Progress {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let of_cause = |error: &(dyn Error + 'static)| {
            if error.downcast_ref().is_some_and(hyper::Error::is_canceled) {
                return Some(Self::Unsent);
            }
            let http2 = error.downcast_ref::<h2::Error>()?;
            (http2.is_go_away() && http2.is_remote()).then_some(Self::Unseen)
        };
        failure::causes(error).find_map(of_cause).unwrap_or(Self::Seen)
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
        // The clone takes the place of the service that has been polled ready.
        let next = self.0.clone();
        let mut inner = std::mem::replace(&mut self.0, next);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let recording = Recording::new(body);
            let mut pauses = parts.extensions.get().map(|WaitForReady| Pauses::default());
            let mut was_unseen = false;
            let mut attempts = 0;
            loop {
                attempts += 1;
                let request = Request::from_parts(parts.clone(), recording.play());
                let error = match inner.ready().await.map_err(Into::into) {
                    Ok(service) => match service.call(request).await {
                        Ok(answer) => {
                            recording.answered();
                            return Ok(answer.map(|body| Body::new(AnswerOf { body, recording })));
                        }
                        Err(error) => error.into(),
                    },
                    Err(error) => error,
                };
                if let Some(pauses) = &mut pauses
                    && failure::is_unreachable(&*error)
                {
                    tokio::time::sleep(pauses.next()).await;
                    attempts = 0;
                    continue;
                }
                let again = match Progress::of(&*error) {
                    Progress::Unsent => attempts < ATTEMPTS,
                    Progress::Unseen => !std::mem::replace(&mut was_unseen, true),
                    Progress::Seen => false,
                };
                if !again || !recording.is_complete() {
                    return Err(error);
                }
            }
        })
    }
}

/// The body of an answer; who drops it does not want the rest of the call either.
struct AnswerOf {
    body: Body,
    #[expect(dead_code, reason = "to be dropped")]
    recording: Recording,
}

impl http_body::Body for AnswerOf {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.body)
    }
}
