//! A call ends with DEADLINE_EXCEEDED when its deadline passes, whatever its state.
//!
//! grpcio enforces deadlines on the server, too: a call ends even if its client never sends the
//! message or does not enforce the deadline itself, and so does a stream of responses. Probes:
//! `timeout-passes*`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower::{Layer, Service};

use super::admission::AdmittedBody;
use super::refusal::{Refusal, StreamReset};
use crate::grpcio::status;
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};
use crate::grpcio::wire::method::MethodKind;
use crate::grpcio::wire::request_body::CallDetails;

/// Adds [`Deadline`] to a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadlineLayer;

/// Ends calls at their deadlines.
#[derive(Clone, Debug)]
pub struct Deadline<S>(S);

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline(inner)
    }
}

impl<S, B, ResBody> Service<Request<AdmittedBody<B>>> for Deadline<S>
where
    S: Service<Request<AdmittedBody<B>>, Response = Response<ResBody>, Error = StreamReset>,
{
    type Response = Response<DeadlineBody<ResBody>>;
    type Error = StreamReset;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<AdmittedBody<B>>) -> Self::Future {
        let CallDetails { kind, timeout, .. } = request.body().call;
        let deadline = timeout.map(|timeout| Box::pin(sleep(timeout)));
        DeadlineFuture { call: self.0.call(request), kind, deadline }
    }
}

pin_project! {
    /// A call that may have a deadline.
    #[derive(Debug)]
    pub struct DeadlineFuture<F> {
        #[pin]
        call: F,
        kind: MethodKind,
        deadline: Option<Pin<Box<Sleep>>>,
    }
}

impl<F, B> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<B>, StreamReset>>,
{
    type Output = Result<Response<DeadlineBody<B>>, StreamReset>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.call.poll(cx);
        let mut filter = DeadlineFilter::default();
        if let Some(deadline) = this.deadline {
            let has_passed = match polled {
                Poll::Ready(_) => deadline.deadline() <= Instant::now(),
                Poll::Pending => deadline.as_mut().poll(cx).is_ready(),
            };
            if has_passed {
                return Poll::Ready(Refusal::from(status::deadline_exceeded()).into_response());
            }
            // A single response is complete: it is sent as a whole or, as above, not at all.
            if polled.is_ready() && this.kind.streams_responses() {
                filter.deadline = this.deadline.take();
            }
        }
        polled.map_ok(|response| response.map(|body| FilteredBody::new(body, filter)))
    }
}

/// The body of a response, which ends at the deadline.
pub type DeadlineBody<B> = FilteredBody<B, DeadlineFilter>;

/// Ends a body with a status at the deadline.
#[derive(Debug, Default)]
pub struct DeadlineFilter {
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B: Body<Data = Bytes> + Unpin> BodyFilter<B> for DeadlineFilter {
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        let frame = body.poll_frame(cx);
        let Some(deadline) = &mut self.deadline else { return frame };
        match frame {
            // A handler that always has a response would otherwise never end.
            Poll::Ready(Some(Ok(frame)))
                if frame.is_data() && Instant::now() >= deadline.deadline() => {}
            Poll::Ready(frame) => return Poll::Ready(frame),
            Poll::Pending => ready!(deadline.as_mut().poll(cx)),
        }
        body.close();
        let trailers = status::trailers(&status::deadline_exceeded());
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

#[cfg(test)]
mod tests {
    use super::{DeadlineFilter, DeadlineFuture};
    use crate::grpcio::wire::filtered_body::FilteredBody;
    use crate::grpcio::wire::method::MethodKind;
    use bytes::Bytes;
    use futures_util::stream;
    use http::Response;
    use http_body::Frame;
    use http_body_util::{BodyExt, Full, StreamBody};
    use std::convert::Infallible;
    use std::future::ready;
    use std::time::Duration;
    use tokio::time::{Instant, sleep};
    use tonic::{Code, Status};

    const SECOND: Duration = Duration::from_secs(1);

    /// The number of responses before the trailers, and the status.
    async fn read_stream(pause: Duration) -> (usize, Status) {
        let responses = stream::unfold((), move |()| async move {
            if pause > Duration::ZERO {
                sleep(pause).await;
            }
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"response"))), ()))
        });
        let body = StreamBody::new(Box::pin(responses));
        let filter = DeadlineFilter { deadline: Some(Box::pin(sleep(SECOND))) };
        let mut body = FilteredBody::new(body, filter);
        let (mut responses, start) = (0, std::time::Instant::now());
        loop {
            assert!(start.elapsed() < 20 * SECOND, "the stream does not end");
            let frame = body.frame().await.expect("trailers at the end").expect("a frame");
            if let Some(trailers) = frame.trailers_ref() {
                let status = Status::from_header_map(trailers).expect("a status");
                assert!(body.frame().await.is_none(), "nothing after the trailers");
                return (responses, status);
            }
            responses += 1;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_at_the_deadline() {
        let start = Instant::now();
        let (responses, status) = read_stream(SECOND * 3 / 10).await;
        assert_eq!((responses, status.code()), (3, Code::DeadlineExceeded));
        assert_eq!(status.message(), "Deadline Exceeded");
        assert!(start.elapsed() < SECOND * 11 / 10);
    }

    #[tokio::test]
    async fn a_stream_that_never_waits_ends_too() {
        let (responses, status) = read_stream(Duration::ZERO).await;
        assert!(responses > 0 && status.code() == Code::DeadlineExceeded);
    }

    /// The status in the headers of a response that is ready `after` the start of the call, and the
    /// first data of its body, read after the deadline.
    async fn single_response(kind: MethodKind, after: Duration) -> (Option<Status>, Option<Bytes>) {
        let deadline = Some(Box::pin(sleep(SECOND)));
        let response = Response::new(Full::new(Bytes::from_static(b"response")));
        sleep(after).await;
        let call = DeadlineFuture { call: ready(Ok(response)), kind, deadline };
        let response = call.await.expect("a response");
        sleep(2 * SECOND).await;
        let status = Status::from_header_map(response.headers());
        let first = response.into_body().frame().await.transpose().expect("a frame");
        (status, first.and_then(|first| first.into_data().ok()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_response_is_sent_completely_or_not_at_all() {
        let response = Some(Bytes::from_static(b"response"));
        for kind in [MethodKind::Unary, MethodKind::ClientStreaming] {
            let (status, data) = single_response(kind, SECOND / 2).await;
            assert!(status.is_none() && data == response, "{kind:?}");
            let (status, data) = single_response(kind, SECOND).await;
            let code = status.map(|status| status.code());
            assert_eq!((code, data), (Some(Code::DeadlineExceeded), None), "{kind:?}");
        }
        for kind in [MethodKind::ServerStreaming, MethodKind::Bidirectional] {
            let (status, data) = single_response(kind, SECOND / 2).await;
            assert!(status.is_none() && data.is_none(), "{kind:?}");
        }
    }
}
