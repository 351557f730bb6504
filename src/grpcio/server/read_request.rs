//! A service receives complete, limited, uncompressed messages.
//!
//! This is not left to the decoder of tonic, which reports every failure with another status than
//! grpcio.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic::body::Body;
use tower::{Layer, Service};

use super::admission::AdmittedBody;
use super::refusal::StreamReset;
use super::request_stream;
use super::unary_request::UnaryRequest;
use crate::grpcio::wire::compression::{Encoding, GRPC_ENCODING};
use crate::grpcio::wire::request_body::{CallDetails, RequestBody};

/// Adds [`ReadRequest`] to a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadRequestLayer;

/// Reads the message of a request before the call starts, or a stream of messages during the call.
#[derive(Clone, Debug)]
pub struct ReadRequest<S>(S);

impl<S> Layer<S> for ReadRequestLayer {
    type Service = ReadRequest<S>;

    fn layer(&self, inner: S) -> ReadRequest<S> {
        ReadRequest(inner)
    }
}

pin_project! {
    /// A call whose message may not have arrived yet.
    #[derive(Debug)]
    pub struct ReadRequestFuture<S, B, F> {
        #[pin]
        state: State<S, B, F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<S, B, F> {
        Message {
            inner: S,
            call: CallDetails,
            // `None` once the service has received them.
            parts: Option<Parts>,
            // Dropped before the call starts, because what follows the message is not read.
            body: Option<B>,
            message: UnaryRequest,
        },
        Call {
            #[pin]
            call: F,
        },
    }
}

impl<S, B, F, ResBody> Future for ReadRequestFuture<S, B, F>
where
    S: Service<Request<RequestBody>, Future = F>,
    B: http_body::Body<Data = Bytes> + Unpin,
    F: Future<Output = Result<Response<ResBody>, StreamReset>>,
    ResBody: Default,
{
    type Output = Result<Response<ResBody>, StreamReset>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Call { call } => return call.poll(cx),
                StateProjection::Message { inner, call, parts, body, message } => {
                    // `None` only after a refusal, after which the future is not polled again.
                    let Some(open) = body else { return Poll::Ready(Err(StreamReset)) };
                    let message = ready!(message.poll(cx, open));
                    *body = None;
                    let (message, parts) = match (message, parts.take()) {
                        (Ok(message), Some(parts)) => (message, parts),
                        (Err(refusal), _) => return Poll::Ready(refusal.into_response()),
                        (_, None) => return Poll::Ready(Err(StreamReset)),
                    };
                    let message = RequestBody::single(*call, message);
                    let call = inner.call(Request::from_parts(parts, message));
                    state.set(State::Call { call });
                }
            }
        }
    }
}

impl<S, B, ResBody> Service<Request<AdmittedBody<B>>> for ReadRequest<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResBody>, Error = StreamReset>,
    S: Clone,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = StreamReset;
    type Future = ReadRequestFuture<S, B, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<AdmittedBody<B>>) -> Self::Future {
        let (mut parts, AdmittedBody { call, body }) = request.into_parts();
        if call.encoding.is_some() {
            // The messages are decompressed before the handler receives them.
            parts.headers.remove(GRPC_ENCODING);
        }
        let encoding = call.encoding.unwrap_or(Encoding::Identity);
        let state = if call.kind.streams_requests() {
            let messages = Body::new(request_stream::decode(body, encoding));
            let messages = RequestBody::stream(call, messages);
            State::Call { call: self.0.call(Request::from_parts(parts, messages)) }
        } else {
            // Takes the service that has been polled ready, and leaves a clone in its place.
            let next = self.0.clone();
            let inner = std::mem::replace(&mut self.0, next);
            let message = UnaryRequest::new(encoding);
            State::Message { inner, call, parts: Some(parts), body: Some(body), message }
        };
        ReadRequestFuture { state }
    }
}
