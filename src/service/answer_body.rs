//! The body of a service's answer.
//!
//! One message that is complete goes without the machinery that tonic has for streams of them.

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// The trailers of a call that has succeeded.
static OK: LazyLock<HeaderMap> =
    LazyLock::new(|| HeaderMap::from_iter([(Status::GRPC_STATUS, HeaderValue::from_static("0"))]));

/// What follows the header fields of an answer.
#[derive(Debug, Default)]
pub struct AnswerBody(State);

#[derive(Debug)]
enum State {
    /// This message, and OK.
    Message(Bytes),
    /// OK alone.
    Ok,
    Tonic(Body),
}

impl Default for State {
    fn default() -> Self {
        Self::Tonic(Body::empty())
    }
}

impl AnswerBody {
    /// One message with its prefix, and the status OK.
    pub(super) fn one(message: Bytes) -> Self {
        Self(State::Message(message))
    }
}

impl From<Body> for AnswerBody {
    fn from(body: Body) -> Self {
        Self(State::Tonic(body))
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match &mut self.0 {
            State::Tonic(body) => return Pin::new(body).poll_frame(cx),
            State::Message(message) => {
                let message = std::mem::take(message);
                self.0 = State::Ok;
                Frame::data(message)
            }
            State::Ok => {
                self.0 = State::default();
                Frame::trailers(OK.clone())
            }
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        if let State::Tonic(body) = &self.0 { body.is_end_stream() } else { false }
    }

    /// Never exact with a message in it: hyper would make a `content-length` of that.
    fn size_hint(&self) -> SizeHint {
        if let State::Tonic(body) = &self.0 { body.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::AnswerBody;
    use bytes::Bytes;
    use http_body::Body;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_message_comes_before_the_status() {
        let mut body = AnswerBody::one(Bytes::from_static(b"message"));
        assert!(!body.is_end_stream() && body.size_hint().exact().is_none());
        let message = body.frame().await.expect("a frame").expect("a frame");
        assert_eq!(message.into_data().expect("data"), "message");
        let trailers = body.frame().await.expect("a frame").expect("a frame");
        let trailers = trailers.into_trailers().expect("trailers");
        assert_eq!((trailers.len(), &trailers["grpc-status"]), (1, &"0".parse().expect("a value")));
        assert!(body.frame().await.is_none());
    }
}
