//! The messages of a request, as the handler is to see them: whole, limited, not compressed.
//!
//! A layer of its own and not tonic's decoder, which words every failure in another way than grpcio.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tonic::body::Body;
use tower::{Layer, Service};

use super::admission::Admitted;
use super::compression::{self, Encoding};
use super::refusal::StreamReset;
use super::request_stream::RequestStream;
use super::unary_request;

/// Makes [`ReadRequest`] services.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestLayer;

/// Reads the one message of a request before the call begins, or a stream of them as it goes on.
#[derive(Clone, Debug)]
pub struct ReadRequest<S>(S);

impl<S> Layer<S> for RequestLayer {
    type Service = ReadRequest<S>;

    fn layer(&self, inner: S) -> ReadRequest<S> {
        ReadRequest(inner)
    }
}

impl<S, B, Answer> Service<Request<B>> for ReadRequest<S>
where
    S: Service<Request<Body>, Response = Response<Answer>, Error = StreamReset>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    Answer: Default,
{
    type Response = Response<Answer>;
    type Error = StreamReset;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, StreamReset>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone takes the place of the service that has been polled ready.
        let next = self.0.clone();
        let mut inner = std::mem::replace(&mut self.0, next);
        Box::pin(async move {
            let admitted = request.extensions().get::<Admitted>();
            let is_stream = admitted.is_some_and(|admitted| admitted.kind.streams_requests());
            let (mut parts, mut body) = request.into_parts();
            let encoding = Encoding::of(&parts.headers);
            // The handler sees no compressed message.
            parts.headers.remove(compression::FIELD);
            let messages = if is_stream {
                Body::new(RequestStream::new(body, encoding))
            } else {
                match unary_request::read(&mut body, encoding).await {
                    // What follows the message is nobody's business any more.
                    Ok(message) => {
                        drop(body);
                        Body::new(Full::new(message))
                    }
                    Err(refusal) => return refusal.into_answer(),
                }
            };
            inner.call(Request::from_parts(parts, messages)).await
        })
    }
}
