//! A service receives complete, limited, uncompressed messages, and has memory for its response.
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
use tonic::Code;
use tonic::body::Body;
use tower::{Layer, Service};

use super::admission::AdmittedBody;
use super::discard::discard;
use super::message_memory::{Charge, ConnectionMemory, MAX_WAIT, Waiting};
use super::refusal::{Refusal, StreamReset};
use super::request_stream;
use super::response_memory::{ResponseMemory, ResponseMemoryBody};
use super::unary_request::UnaryRequest;
use crate::grpcio::wire::compression::{Encoding, GRPC_ENCODING};
use crate::grpcio::wire::filtered_body::FilteredBody;
use crate::grpcio::wire::request_body::{CallDetails, RequestBody};

/// Adds [`ReadRequest`] to a service.
#[derive(Clone, Debug)]
pub struct ReadRequestLayer {
    memory: ConnectionMemory,
}

impl ReadRequestLayer {
    /// The messages use this memory.
    #[must_use]
    pub fn new(memory: ConnectionMemory) -> Self {
        Self { memory }
    }
}

/// Reads the message of a request before the call starts, or a stream of messages during the call.
#[derive(Clone, Debug)]
pub struct ReadRequest<S> {
    inner: S,
    memory: ConnectionMemory,
}

impl<S> Layer<S> for ReadRequestLayer {
    type Service = ReadRequest<S>;

    fn layer(&self, inner: S) -> ReadRequest<S> {
        ReadRequest { inner, memory: self.memory.clone() }
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
        // A call whose messages are read by the handler.
        Stream {
            inner: S,
            // `None` once the service has received it.
            request: Option<Request<RequestBody>>,
            memory: ConnectionMemory,
        },
        // Boxed, because it is rare and every call has room for it.
        Waiting {
            delayed: Option<Box<DelayedCall<S>>>,
        },
        Call {
            #[pin]
            call: F,
            // Empty once the service has responded.
            response: ResponseMemory,
            charges: Option<Box<Charges>>,
        },
    }
}

/// A call whose handler waits for memory.
#[derive(Debug)]
struct DelayedCall<S> {
    inner: S,
    request: Request<RequestBody>,
    memory: ConnectionMemory,
    message: Option<Charge>,
    waiting: Box<Waiting>,
}

/// What a running call holds.
#[derive(Debug)]
struct Charges {
    /// The message of the request.
    _message: Option<Charge>,
    /// What the response is expected to need. A stream that does not start at once returns it.
    response: Option<Charge>,
}

impl<S, B, F> State<S, B, F>
where
    S: Service<Request<RequestBody>, Future = F>,
{
    /// Starts the handler. Inlined, because most calls would otherwise copy the state of a call.
    #[inline]
    fn call(
        inner: &mut S,
        request: Request<RequestBody>,
        memory: ConnectionMemory,
        charges: Option<Box<Charges>>,
    ) -> Self {
        let response = ResponseMemory::new(memory, request.body().call());
        Self::Call { call: inner.call(request), response, charges }
    }

    /// Starts the handler if there is memory for its response.
    #[cold]
    fn call_within_memory(
        inner: &mut S,
        request: Request<RequestBody>,
        memory: ConnectionMemory,
        message: Option<Charge>,
    ) -> Self
    where
        S: Clone,
    {
        let details = request.body().call();
        if memory.returns_little(details.method) {
            let charges = message
                .map(|message| Box::new(Charges { _message: Some(message), response: None }));
            return Self::call(inner, request, memory, charges);
        }
        match memory.expect_response(details.method, Some(MAX_WAIT)) {
            Ok(response) => {
                let charges = Box::new(Charges { _message: message, response: Some(response) });
                Self::call(inner, request, memory, Some(charges))
            }
            Err(waiting) => {
                // Takes the service that has been polled ready, and leaves a clone in its place.
                let next = inner.clone();
                let inner = std::mem::replace(inner, next);
                let delayed = DelayedCall { inner, request, memory, message, waiting };
                Self::Waiting { delayed: Some(Box::new(delayed)) }
            }
        }
    }
}

impl<S, B, F, ResBody> Future for ReadRequestFuture<S, B, F>
where
    S: Service<Request<RequestBody>, Future = F> + Clone,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    F: Future<Output = Result<Response<ResBody>, StreamReset>>,
{
    type Output = Result<Response<ResponseMemoryBody<ResBody>>, StreamReset>;

    // Inlined, because each layer would otherwise copy the response.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Call { call, response, charges } => {
                    let polled = call.poll(cx);
                    if charges.is_some() {
                        return_charges(charges, response, polled.is_ready());
                    }
                    return polled.map_ok(|responded| {
                        responded.map(|body| FilteredBody::new(body, std::mem::take(response)))
                    });
                }
                StateProjection::Stream { inner, request, memory } => {
                    let Some(request) = request.take() else {
                        return Poll::Ready(Err(StreamReset));
                    };
                    let next = State::call_within_memory(inner, request, memory.clone(), None);
                    state.set(next);
                }
                StateProjection::Waiting { delayed } => match ready!(poll_delayed(cx, delayed)) {
                    Ok(call) => state.set(call),
                    Err(refusal) => return Poll::Ready(refusal.into_response()),
                },
                StateProjection::Message { inner, call, parts, body, message } => {
                    // `None` only after a refusal, after which the future is not polled again.
                    let Some(open) = body else { return Poll::Ready(Err(StreamReset)) };
                    let received = match ready!(message.poll(cx, open)) {
                        Ok(received) => received,
                        Err(refusal) => {
                            end_request(body.take(), &refusal);
                            return Poll::Ready(refusal.into_response());
                        }
                    };
                    *body = None;
                    let (charge, memory) = message.take_memory();
                    let (Some(parts), Some(memory)) = (parts.take(), memory) else {
                        return Poll::Ready(Err(StreamReset));
                    };
                    let request = Request::from_parts(parts, RequestBody::single(*call, received));
                    if charge.is_none() && memory.returns_little(call.method) {
                        let started = State::call(inner, request, memory, None);
                        state.set(started);
                    } else {
                        let next = State::call_within_memory(inner, request, memory, charge);
                        state.set(next);
                    }
                }
            }
        }
    }
}

/// Ends the request of a call that is refused.
#[cold]
fn end_request<B>(body: Option<B>, refusal: &Refusal)
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
{
    if refusal.code() == Some(Code::ResourceExhausted) {
        discard(body);
    }
}

/// Returns what a call no longer needs: when the handler has responded, everything except the memory
/// for that response.
#[cold]
fn return_charges(
    charges: &mut Option<Box<Charges>>,
    response: &mut ResponseMemory,
    has_responded: bool,
) {
    if has_responded || response.is_stream() {
        let expected = charges.as_mut().and_then(|charges| charges.response.take());
        if has_responded {
            response.reserve(expected);
            *charges = None;
        }
    }
}

/// Starts the handler of a call when its memory is granted.
#[cold]
fn poll_delayed<S, B, F>(
    cx: &mut Context<'_>,
    delayed: &mut Option<Box<DelayedCall<S>>>,
) -> Poll<Result<State<S, B, F>, Refusal>>
where
    S: Service<Request<RequestBody>, Future = F>,
{
    // `None` only after a refusal, after which the future is not polled again.
    let Some(open) = delayed else { return Poll::Ready(Err(Refusal::Reset)) };
    let granted = ready!(Pin::new(&mut open.waiting).poll(cx));
    let Some(open) = delayed.take() else { return Poll::Ready(Err(Refusal::Reset)) };
    let DelayedCall { mut inner, request, memory, message, .. } = *open;
    let charges = Some(Box::new(Charges { _message: message, response: Some(granted?) }));
    Poll::Ready(Ok(State::call(&mut inner, request, memory, charges)))
}

impl<S, B, ResBody> Service<Request<AdmittedBody<B>>> for ReadRequest<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResBody>, Error = StreamReset>,
    S: Clone,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ResponseMemoryBody<ResBody>>;
    type Error = StreamReset;
    type Future = ReadRequestFuture<S, B, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<AdmittedBody<B>>) -> Self::Future {
        let (mut parts, AdmittedBody { call, body }) = request.into_parts();
        if call.encoding.is_some() {
            // The messages are decompressed before the handler receives them.
            parts.headers.remove(GRPC_ENCODING);
        }
        let encoding = call.encoding.unwrap_or(Encoding::Identity);
        // Takes the service that has been polled ready, and leaves a clone in its place.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let memory = self.memory.clone();
        let state = if call.kind.streams_requests() {
            let messages = Body::new(request_stream::decode(body, encoding, memory.clone()));
            let request = Request::from_parts(parts, RequestBody::stream(call, messages));
            State::Stream { inner, request: Some(request), memory }
        } else {
            let message = UnaryRequest::new(encoding, memory);
            State::Message { inner, call, parts: Some(parts), body: Some(body), message }
        };
        ReadRequestFuture { state }
    }
}

#[cfg(test)]
mod tests {
    use super::{AdmittedBody, CallDetails, ReadRequestLayer};
    use crate::grpcio::server::message_memory::{MAX_WAIT, MessageMemory};
    use crate::grpcio::server::refusal::StreamReset;
    use crate::grpcio::wire::method::MethodKind;
    use crate::grpcio::wire::request_body::RequestBody;
    use bytes::Bytes;
    use futures_util::FutureExt;
    use http::{Request, Response};
    use http_body_util::{BodyExt, Full};
    use tokio::time::Instant;
    use tonic::{Code, Status};
    use tower::{Layer, Service, service_fn};

    const MIB: usize = 1024 * 1024;

    const SMALL: usize = 0;
    const LARGE: usize = 1;

    /// Responds with 4 MiB to calls of `LARGE`, and with nothing to others.
    async fn handler(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, StreamReset> {
        let is_large = request.body().call().method == LARGE;
        Ok(Response::new(Bytes::from(vec![0; if is_large { 4 * MIB } else { 1 }]).into()))
    }

    fn request(method: usize) -> Request<AdmittedBody<Full<Bytes>>> {
        let kind = MethodKind::Unary;
        let call = CallDetails { method, kind, timeout: None, encoding: None };
        let body = Full::new(Bytes::from_static(b"\0\0\0\0\0"));
        Request::new(AdmittedBody { call, body })
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_waits_while_responses_are_not_sent() {
        let memory = MessageMemory::new(8 * MIB);
        let mut service = ReadRequestLayer::new(memory.connection()).layer(service_fn(handler));
        let mut call = async |method| {
            let response = service.call(request(method)).await.expect("a response");
            let status = Status::from_header_map(response.headers());
            let data = response.into_body().frame().await;
            (status, data.map(|frame| frame.expect("a frame").into_data().expect("data")))
        };
        let (_, small) = call(SMALL).await;
        let (_, first) = call(LARGE).await;
        assert_eq!(first.as_ref().map(Bytes::len), Some(4 * MIB));
        let start = Instant::now();
        let (status, data) = call(LARGE).await;
        let status = status.expect("a status");
        assert_eq!((status.code(), start.elapsed()), (Code::ResourceExhausted, MAX_WAIT));
        assert!(status.message().contains("--message-memory is 8 MiB") && data.is_none());
        assert_eq!(call(SMALL).now_or_never().expect("it does not wait").1, small);
        drop(first);
        let (status, data) = call(LARGE).now_or_never().expect("the first one was sent");
        assert!(status.is_none() && data.is_some());
    }
}
