//! How an answer ends: with what is added to its trailers, and who is told of it.
//!
//! The metadata that comes first and the metadata that comes last have to stay apart, so an answer
//! that is nothing but trailers is taken apart into header fields and trailers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, Response};
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;

use super::observations::Observation;
use crate::parity::trailers;

/// An answer that is being put together.
#[derive(Debug)]
pub(super) struct Ending {
    head: Parts,
    body: EndingBody,
}

/// The body of an answer, from its messages to what was added behind them.
#[derive(Debug)]
struct EndingBody {
    messages: Messages,
    /// Instead of OK.
    status: Option<Status>,
    trailing: HeaderMap,
    observation: Option<Observation>,
}

#[derive(Debug)]
enum Messages {
    /// All of them.
    Sent(Body),
    /// The method makes them, and nobody gets them.
    Withheld(Body),
    /// There are none; these trailers follow.
    None(HeaderMap),
    Ended,
}

impl Ending {
    /// `answer` with more `trailing` metadata, whose end `observation` is told of.
    pub(super) fn new(
        answer: Response<Body>,
        trailing: HeaderMap,
        observation: Option<Observation>,
    ) -> Self {
        let (mut head, body) = answer.into_parts();
        let messages = if head.headers.contains_key(Status::GRPC_STATUS) {
            let mut trailers = std::mem::take(&mut head.headers);
            let content_type = trailers.remove(CONTENT_TYPE);
            head.headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
            Messages::None(trailers)
        } else {
            Messages::Sent(body)
        };
        Self { head, body: EndingBody { messages, status: None, trailing, observation } }
    }

    /// The initial metadata.
    pub(super) fn headers(&mut self) -> &mut HeaderMap {
        &mut self.head.headers
    }

    /// Ends with `status` if it would be OK: behind the answers of a stream, or instead of the answer.
    pub(super) fn with_status(&mut self, status: Status, streams_answers: bool) {
        self.body.status = Some(status);
        if streams_answers {
            return;
        }
        self.body.messages = match std::mem::replace(&mut self.body.messages, Messages::Ended) {
            Messages::Sent(body) => Messages::Withheld(body),
            others => others,
        };
    }

    pub(super) fn into_answer(self) -> Response<Body> {
        Response::from_parts(self.head, Body::new(self.body))
    }
}

impl EndingBody {
    fn end(&mut self, mut fields: HeaderMap) -> Frame<Bytes> {
        let is_ok = fields.get(Status::GRPC_STATUS).is_some_and(|code| code == "0");
        if let Some(status) = self.status.take().filter(|_| is_ok) {
            fields.extend(trailers::of(&status));
        }
        fields.extend(std::mem::take(&mut self.trailing));
        self.messages = Messages::Ended;
        if let Some(observation) = self.observation.take() {
            observation.completed();
        }
        Frame::trailers(fields)
    }
}

impl http_body::Body for EndingBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            let (body, is_sent) = match &mut self.messages {
                Messages::Sent(body) => (body, true),
                Messages::Withheld(body) => (body, false),
                Messages::None(trailers) => {
                    let trailers = std::mem::take(trailers);
                    return Poll::Ready(Some(Ok(self.end(trailers))));
                }
                Messages::Ended => return Poll::Ready(None),
            };
            match ready!(Pin::new(body).poll_frame(cx)).transpose()?.map(Frame::into_trailers) {
                None => return Poll::Ready(None),
                Some(Ok(trailers)) => return Poll::Ready(Some(Ok(self.end(trailers)))),
                Some(Err(frame)) if is_sent => return Poll::Ready(Some(Ok(frame))),
                Some(Err(_)) => {}
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.messages, Messages::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::Ending;
    use bytes::Bytes;
    use futures_util::stream;
    use http::{HeaderMap, Response};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::body::Body;
    use tonic::{Code, Status};

    fn answer(status: &Status) -> Response<Body> {
        let trailers = crate::parity::trailers::of(status);
        let frames = [Frame::data(Bytes::from_static(b"answer")), Frame::trailers(trailers)];
        let frames = stream::iter(frames.map(Ok::<_, Status>));
        Response::new(Body::new(StreamBody::new(frames)))
    }

    /// The messages and the status of an answer.
    async fn read(ending: Ending) -> (Bytes, Code) {
        let answer = ending.into_answer();
        assert!(answer.headers().get("grpc-status").is_none(), "no trailers come first");
        let body = answer.into_body().collect().await.expect("a body");
        let trailers = body.trailers().expect("trailers");
        let status = Status::from_header_map(trailers).expect("a status");
        (body.to_bytes(), status.code())
    }

    #[tokio::test]
    async fn a_status_comes_behind_a_stream_and_instead_of_a_single_answer() {
        for (streams_answers, messages) in [(true, &b"answer"[..]), (false, b"")] {
            let mut ending = Ending::new(answer(&Status::ok("")), HeaderMap::new(), None);
            ending.with_status(Status::aborted("asked for"), streams_answers);
            assert_eq!(read(ending).await, (Bytes::from(messages), Code::Aborted));
        }
    }

    #[tokio::test]
    async fn the_methods_own_failure_stays() {
        for streams_answers in [true, false] {
            for answer in [answer(&Status::unknown("")), Status::unknown("").into_http()] {
                let mut ending = Ending::new(answer, HeaderMap::new(), None);
                ending.with_status(Status::aborted("asked for"), streams_answers);
                assert_eq!(read(ending).await.1, Code::Unknown);
            }
        }
    }
}
