//! Changes how a response ends: its status, its trailing metadata, and the record of its end.
//!
//! Initial and trailing metadata have to stay separate, so a response of trailers only is split
//! into header fields and trailers.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::observations::Observation;
use crate::grpcio::status;
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};

/// A response with a changed ending.
#[derive(Debug)]
pub(super) struct ResponseEnding {
    head: Parts,
    body: Body,
    ending: Ending,
}

/// Replaces the trailers of a body.
#[derive(Debug)]
struct Ending {
    /// The trailers of a response without a body.
    trailers_only: Option<HeaderMap>,
    /// Whether the messages are discarded.
    discards_messages: bool,
    /// Replaces OK.
    status: Option<Status>,
    trailing: HeaderMap,
    observation: Option<Observation>,
}

impl ResponseEnding {
    /// Adds `trailing` metadata to `response`, and records its end in `observation`.
    pub(super) fn new(
        response: Response<Body>,
        trailing: HeaderMap,
        observation: Option<Observation>,
    ) -> Self {
        let (mut head, body) = response.into_parts();
        let trailers_only = head.headers.contains_key(Status::GRPC_STATUS).then(|| {
            let mut trailers = std::mem::take(&mut head.headers);
            let content_type = trailers.remove(CONTENT_TYPE);
            head.headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
            trailers
        });
        let ending =
            Ending { trailers_only, discards_messages: false, status: None, trailing, observation };
        Self { head, body, ending }
    }

    /// The initial metadata.
    pub(super) fn headers(&mut self) -> &mut HeaderMap {
        &mut self.head.headers
    }

    /// Replaces OK with `status`: after the messages of a stream, or instead of a single message.
    pub(super) fn set_status(&mut self, status: Status, streams_responses: bool) {
        self.ending.status = Some(status);
        self.ending.discards_messages = !streams_responses;
    }

    pub(super) fn into_response(self) -> Response<Body> {
        Response::from_parts(self.head, Body::new(FilteredBody::new(self.body, self.ending)))
    }
}

impl Ending {
    fn end(&mut self, body: &mut Source<Body>, mut trailers: HeaderMap) -> Frame<Bytes> {
        body.close();
        let is_ok = trailers.get(Status::GRPC_STATUS).is_some_and(|code| code == "0");
        if let Some(status) = self.status.take().filter(|_| is_ok) {
            trailers.extend(status::trailers(&status));
        }
        trailers.extend(std::mem::take(&mut self.trailing));
        if let Some(observation) = self.observation.take() {
            observation.complete();
        }
        Frame::trailers(trailers)
    }
}

impl BodyFilter<Body> for Ending {
    fn poll_frame(
        &mut self,
        body: &mut Source<Body>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<Status>> {
        if let Some(trailers) = self.trailers_only.take() {
            return Poll::Ready(Some(Ok(self.end(body, trailers))));
        }
        loop {
            let frame = ready!(body.poll_frame(cx)).transpose()?;
            match frame.map(Frame::into_trailers) {
                None => return Poll::Ready(None),
                Some(Ok(trailers)) => return Poll::Ready(Some(Ok(self.end(body, trailers)))),
                Some(Err(_)) if self.discards_messages => {}
                Some(Err(frame)) => return Poll::Ready(Some(Ok(frame))),
            }
        }
    }

    /// Trailers follow even if `body` has ended.
    fn is_end_stream(&self, _: &Body) -> bool {
        false
    }

    /// Messages may be discarded.
    fn size_hint(&self, _: &Body) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::ResponseEnding;
    use bytes::Bytes;
    use futures_util::stream;
    use http::{HeaderMap, Response};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::body::Body;
    use tonic::{Code, Status};

    fn response(status: &Status) -> Response<Body> {
        let trailers = crate::grpcio::status::trailers(status);
        let frames = [Frame::data(Bytes::from_static(b"response")), Frame::trailers(trailers)];
        let frames = stream::iter(frames.map(Ok::<_, Status>));
        Response::new(Body::new(StreamBody::new(frames)))
    }

    /// The messages and the status of a response.
    async fn read(ending: ResponseEnding) -> (Bytes, Code) {
        let response = ending.into_response();
        assert!(
            response.headers().get("grpc-status").is_none(),
            "no trailers in the header fields"
        );
        let body = response.into_body().collect().await.expect("a body");
        let trailers = body.trailers().expect("trailers");
        let status = Status::from_header_map(trailers).expect("a status");
        (body.to_bytes(), status.code())
    }

    #[tokio::test]
    async fn a_status_follows_a_stream_and_replaces_a_single_response() {
        for (streams_responses, messages) in [(true, &b"response"[..]), (false, b"")] {
            let mut ending = ResponseEnding::new(response(&Status::ok("")), HeaderMap::new(), None);
            ending.set_status(Status::aborted("requested"), streams_responses);
            assert_eq!(read(ending).await, (Bytes::from(messages), Code::Aborted));
        }
    }

    #[tokio::test]
    async fn a_failure_of_the_method_is_kept() {
        for streams_responses in [true, false] {
            for response in [response(&Status::unknown("")), Status::unknown("").into_http()] {
                let mut ending = ResponseEnding::new(response, HeaderMap::new(), None);
                ending.set_status(Status::aborted("requested"), streams_responses);
                assert_eq!(read(ending).await.1, Code::Unknown);
            }
        }
    }
}
