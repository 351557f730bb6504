//! The header fields of a stream of responses are sent with its first message.
//!
//! grpcio waits for the first message, or for the status of a call without one. Then the response
//! has only trailers. tonic sends the header fields as soon as the handler returns the stream. If the
//! handler sets initial metadata, they are sent at once, like those of `send_initial_metadata`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tonic::Status;
use tower::{Layer, Service};

use super::refusal::StreamReset;
use crate::grpcio::wire::compression::GRPC_ENCODING;
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};
use crate::grpcio::wire::request_body::RequestBody;

/// Adds [`StreamStart`] to a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamStartLayer;

/// Waits for the first message of a stream of responses.
#[derive(Clone, Debug)]
pub struct StreamStart<S>(S);

impl<S> Layer<S> for StreamStartLayer {
    type Service = StreamStart<S>;

    fn layer(&self, inner: S) -> StreamStart<S> {
        StreamStart(inner)
    }
}

impl<S, B> Service<Request<RequestBody>> for StreamStart<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = StreamReset>,
    B: Body<Data = Bytes> + Unpin,
{
    type Response = Response<StreamStartBody<B>>;
    type Error = StreamReset;
    type Future = StreamStartFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let streams_responses = request.body().call().kind.streams_responses();
        StreamStartFuture { call: self.0.call(request), streams_responses, started: None }
    }
}

pin_project! {
    /// A call whose response may wait for its first message.
    #[derive(Debug)]
    pub struct StreamStartFuture<F, B> {
        #[pin]
        call: F,
        streams_responses: bool,
        // The response of a handler that has not produced a message yet. Boxed, because every call has
        // room for it.
        started: Option<Box<Response<B>>>,
    }
}

impl<F, B> Future for StreamStartFuture<F, B>
where
    F: Future<Output = Result<Response<B>, StreamReset>>,
    B: Body<Data = Bytes> + Unpin,
{
    type Output = Result<Response<StreamStartBody<B>>, StreamReset>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.started.is_none() {
            let polled = this.call.poll(cx);
            if !*this.streams_responses || !waits_for_message(&polled) {
                return polled.map_ok(|response| response.map(|body| with_first(None, body)));
            }
            *this.started = Some(Box::new(ready!(polled)?));
        }
        let frame = match this.started.as_mut() {
            Some(response) => ready!(Pin::new(response.body_mut()).poll_frame(cx)),
            None => None,
        };
        let Some(response) = this.started.take() else { return Poll::Ready(Err(StreamReset)) };
        let (mut head, body) = response.into_parts();
        let first = match frame {
            // A body that fails is reset.
            Some(Err(_)) => return Poll::Ready(Err(StreamReset)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(message) => Some(message),
                Err(frame) => {
                    head.headers.extend(frame.into_trailers().unwrap_or_default());
                    return Poll::Ready(Ok(Response::from_parts(head, FilteredBody::default())));
                }
            },
            None => None,
        };
        Poll::Ready(Ok(Response::from_parts(head, with_first(first, body))))
    }
}

/// Whether there is a response that is not sent at once.
fn waits_for_message<B, E>(polled: &Poll<Result<Response<B>, E>>) -> bool {
    matches!(polled, Poll::Ready(Ok(response)) if !is_sent_at_once(response.headers()))
}

/// Whether a response has a status already or initial metadata of the handler.
fn is_sent_at_once(fields: &HeaderMap) -> bool {
    fields.contains_key(Status::GRPC_STATUS)
        || fields.keys().any(|name| *name != CONTENT_TYPE && *name != GRPC_ENCODING)
}

/// The body of a response, whose first message may have been read already.
pub type StreamStartBody<B> = FilteredBody<B, FirstMessage>;

fn with_first<B>(first: Option<Bytes>, body: B) -> StreamStartBody<B> {
    FilteredBody::new(body, FirstMessage(first.map(Box::new)))
}

/// Returns data before that of the body. Boxed, because every response has room for it.
#[derive(Debug, Default)]
pub struct FirstMessage(Option<Box<Bytes>>);

impl<B: Body<Data = Bytes> + Unpin> BodyFilter<B> for FirstMessage {
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        match self.0.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(*first)))),
            None => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self, body: &B) -> bool {
        self.0.is_none() && body.is_end_stream()
    }

    fn size_hint(&self, body: &B) -> SizeHint {
        if self.0.is_none() { body.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::{StreamReset, StreamStartBody, StreamStartFuture, is_sent_at_once};
    use bytes::Bytes;
    use futures_util::FutureExt;
    use http::{HeaderMap, HeaderValue, Response};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use std::convert::Infallible;
    use std::future::ready;
    use std::pin::Pin;
    use tokio::sync::mpsc;
    use tokio_stream::wrappers::UnboundedReceiverStream;
    use tonic::body::Body;

    type Frames = mpsc::UnboundedSender<Result<Frame<Bytes>, Infallible>>;
    type Call = Pin<Box<dyn Future<Output = Result<Response<StreamStartBody<Body>>, StreamReset>>>>;

    /// A call whose handler has returned a stream with these header fields.
    fn call(fields: &[(&'static str, &'static str)], streams_responses: bool) -> (Frames, Call) {
        let (frames, receiver) = mpsc::unbounded_channel();
        let body = Body::new(StreamBody::new(UnboundedReceiverStream::new(receiver)));
        let mut response = Response::new(body);
        for (name, value) in fields {
            response.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        let call = ready(Ok(response));
        (frames, Box::pin(StreamStartFuture { call, streams_responses, started: None }))
    }

    fn trailers() -> Frame<Bytes> {
        let status = HeaderValue::from_static("5");
        Frame::trailers([("grpc-status".parse().expect("a name"), status)].into_iter().collect())
    }

    #[tokio::test]
    async fn the_header_fields_wait_for_the_first_message() {
        let (frames, mut call) = call(&[("content-type", "application/grpc")], true);
        assert!(call.as_mut().now_or_never().is_none());
        frames.send(Ok(Frame::data(Bytes::from_static(b"a")))).expect("open");
        let response = call.await.expect("a response");
        frames.send(Ok(Frame::data(Bytes::from_static(b"b")))).expect("open");
        frames.send(Ok(trailers())).expect("open");
        drop(frames);
        assert_eq!(response.headers().len(), 1);
        let body = response.into_body().collect().await.expect("a body");
        assert_eq!(body.trailers().expect("trailers")["grpc-status"], "5");
        assert_eq!(body.to_bytes(), "ab");
    }

    #[tokio::test]
    async fn a_call_without_a_message_has_only_trailers() {
        let (frames, call) = call(&[("content-type", "application/grpc")], true);
        frames.send(Ok(trailers())).expect("open");
        let response = call.await.expect("a response");
        assert_eq!(response.headers()["content-type"], "application/grpc");
        assert_eq!(response.headers()["grpc-status"], "5");
        let body = response.into_body();
        assert!(http_body::Body::is_end_stream(&body));
    }

    #[tokio::test]
    async fn initial_metadata_and_single_responses_do_not_wait() {
        let metadata = [("content-type", "application/grpc"), ("shop-region", "eu")];
        for (fields, streams_responses) in [(&metadata[..], true), (&metadata[..1], false)] {
            let (_frames, call) = call(fields, streams_responses);
            assert_eq!(call.await.expect("a response").headers().len(), fields.len());
        }
        let mut encoding = HeaderMap::new();
        encoding.insert("grpc-encoding", HeaderValue::from_static("gzip"));
        assert!(!is_sent_at_once(&encoding));
    }
}
