//! The response of a service, which may be ready at once.
//!
//! A response with one message does without the machinery that tonic has for streams, and a
//! response that is ready needs no boxed future.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// The response of a service of tonic.
pub(super) type BoxedResponse =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// The response of any of the services.
pub struct ResponseFuture(FutureState);

enum FutureState {
    /// `None` once it has been returned.
    Ready(Option<Response<ResponseBody>>),
    Boxed(BoxedResponse),
}

impl ResponseFuture {
    /// A response that is ready.
    pub(super) fn ready(response: Response<ResponseBody>) -> Self {
        Self(FutureState::Ready(Some(response)))
    }

    /// The response that `future` returns.
    pub(crate) fn boxed(
        future: impl Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    ) -> Self {
        Self::from(Box::pin(future) as BoxedResponse)
    }
}

impl From<BoxedResponse> for ResponseFuture {
    fn from(response: BoxedResponse) -> Self {
        Self(FutureState::Boxed(response))
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            FutureState::Ready(response) => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            FutureState::Boxed(response) => {
                response.as_mut().poll(cx).map_ok(|response| response.map(ResponseBody::from))
            }
        }
    }
}

/// The trailers of a successful call.
static OK: LazyLock<HeaderMap> =
    LazyLock::new(|| HeaderMap::from_iter([(Status::GRPC_STATUS, HeaderValue::from_static("0"))]));

/// The zeros of one frame.
static ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];

/// The body of a response.
#[derive(Debug, Default)]
pub struct ResponseBody(BodyState);

#[derive(Debug)]
enum BodyState {
    /// A message and then OK.
    Message(Bytes),
    /// The start of a message and then zeros.
    Start(Bytes, usize),
    /// This number of zero bytes, and then OK.
    Zeros(usize),
    /// OK only.
    Ok,
    Tonic(Body),
}

impl Default for BodyState {
    fn default() -> Self {
        Self::Tonic(Body::empty())
    }
}

impl ResponseBody {
    /// One message with its prefix, and the status OK.
    pub(super) fn single(message: Bytes) -> Self {
        Self(BodyState::Message(message))
    }

    /// One message and the status OK. `start` is the prefix and the first bytes of the message,
    /// `zeros` the number of zero bytes that follow.
    ///
    /// The zeros are shared by all responses and produced as the client reads them.
    pub(super) fn ending_with_zeros(start: Bytes, zeros: usize) -> Self {
        Self(BodyState::Start(start, zeros))
    }
}

impl From<Body> for ResponseBody {
    fn from(body: Body) -> Self {
        Self(BodyState::Tonic(body))
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match &mut self.0 {
            BodyState::Tonic(body) => return Pin::new(body).poll_frame(cx),
            BodyState::Message(message) => {
                let message = std::mem::take(message);
                self.0 = BodyState::Ok;
                Frame::data(message)
            }
            BodyState::Start(start, zeros) => {
                let (start, zeros) = (std::mem::take(start), *zeros);
                self.0 = BodyState::Zeros(zeros);
                Frame::data(start)
            }
            BodyState::Zeros(left) if *left > 0 => {
                let length = ZEROS.len().min(*left);
                *left -= length;
                Frame::data(Bytes::from_static(&ZEROS[..length]))
            }
            BodyState::Ok | BodyState::Zeros(_) => {
                self.0 = BodyState::default();
                Frame::trailers(OK.clone())
            }
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        if let BodyState::Tonic(body) = &self.0 { body.is_end_stream() } else { false }
    }

    /// Never exact if there is a message: hyper would add a `content-length`.
    fn size_hint(&self) -> SizeHint {
        if let BodyState::Tonic(body) = &self.0 { body.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::ResponseBody;
    use bytes::Bytes;
    use http_body::Body;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_message_precedes_the_status() {
        let mut body = ResponseBody::single(Bytes::from_static(b"message"));
        assert!(!body.is_end_stream() && body.size_hint().exact().is_none());
        let message = body.frame().await.expect("a frame").expect("a frame");
        assert_eq!(message.into_data().expect("data"), "message");
        let trailers = body.frame().await.expect("a frame").expect("a frame");
        let trailers = trailers.into_trailers().expect("trailers");
        assert_eq!((trailers.len(), &trailers["grpc-status"]), (1, &"0".parse().expect("a value")));
        assert!(body.frame().await.is_none());
    }
}
