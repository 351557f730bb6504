//! The messages of a request, as the handler is to see them: whole, limited, not compressed.
//!
//! A layer of its own and not tonic's decoder, which words every failure in another way than grpcio.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::admission::{Admitted, AdmittedBody};
use super::compression::{self, Encoding};
use super::refusal::StreamReset;
use super::request_body::RequestBody;
use super::request_stream::RequestStream;
use super::unary_request::UnaryRequest;

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

/// A call whose message may still be on its way.
#[derive(Debug)]
pub struct Reading<S, B, F>(State<S, B, F>);

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for each call")]
enum State<S, B, F> {
    Message {
        inner: S,
        admitted: Admitted,
        /// `None` once they have been handed on.
        parts: Option<Parts>,
        /// What follows the message is nobody's business any more, so this goes before the call.
        body: Option<B>,
        message: UnaryRequest,
    },
    Call(F),
}

impl<S, B, F, Answer> Future for Reading<S, B, F>
where
    S: Service<Request<RequestBody>, Future = F> + Unpin,
    B: http_body::Body<Data = Bytes> + Unpin,
    F: Future<Output = Result<Response<Answer>, StreamReset>> + Unpin,
    Answer: Default,
{
    type Output = Result<Response<Answer>, StreamReset>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                State::Call(call) => return Pin::new(call).poll(cx),
                State::Message { inner, admitted, parts, body, message } => {
                    // It is only gone when the call has been refused, and nobody polls it after that.
                    let Some(open) = body else { return Poll::Ready(Err(StreamReset)) };
                    let message = ready!(message.poll(cx, open));
                    *body = None;
                    let (message, parts) = match (message, parts.take()) {
                        (Ok(message), Some(parts)) => (message, parts),
                        (Err(refusal), _) => return Poll::Ready(refusal.into_answer()),
                        (_, None) => return Poll::Ready(Err(StreamReset)),
                    };
                    let message = RequestBody::one(*admitted, message);
                    let call = inner.call(Request::from_parts(parts, message));
                    self.0 = State::Call(call);
                }
            }
        }
    }
}

impl<S, B, Answer> Service<Request<AdmittedBody<B>>> for ReadRequest<S>
where
    S: Service<Request<RequestBody>, Response = Response<Answer>, Error = StreamReset>,
    S: Clone + Unpin,
    S::Future: Unpin,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    Answer: Default,
{
    type Response = Response<Answer>;
    type Error = StreamReset;
    type Future = Reading<S, B, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<AdmittedBody<B>>) -> Self::Future {
        let (mut parts, AdmittedBody { call: admitted, body }) = request.into_parts();
        if admitted.encoding.is_some() {
            // The handler sees no compressed message.
            parts.headers.remove(compression::FIELD);
        }
        let encoding = admitted.encoding.unwrap_or(Encoding::Identity);
        Reading(if admitted.kind.streams_requests() {
            let messages = Body::new(RequestStream::new(body, encoding));
            let messages = RequestBody::stream(admitted, messages);
            State::Call(self.0.call(Request::from_parts(parts, messages)))
        } else {
            // The clone takes the place of the service that has been polled ready.
            let next = self.0.clone();
            let inner = std::mem::replace(&mut self.0, next);
            let message = UnaryRequest::new(encoding);
            State::Message { inner, admitted, parts: Some(parts), body: Some(body), message }
        })
    }
}
