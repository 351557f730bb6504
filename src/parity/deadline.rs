//! A call whose time is over ends with DEADLINE_EXCEEDED, wherever it is.
//!
//! grpcio keeps the deadline on the server too: also a client that never sends its message, or
//! whose own clock has stopped, gets an answer, and a stream of answers ends. Probes:
//! `timeout-passes*`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tower::{Layer, Service};

use super::admission::{Admitted, AdmittedBody};
use super::methods::MethodKind;
use super::refusal::{Refusal, StreamReset};
use super::timeout::exceeded;
use super::trailers;

/// Makes [`Deadline`] services.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeadlineLayer;

/// Ends calls that take longer than their client waits.
#[derive(Clone, Debug)]
pub struct Deadline<S>(S);

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline(inner)
    }
}

/// A call that may have a deadline.
#[derive(Debug)]
pub struct Limited<F> {
    call: F,
    kind: MethodKind,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<F, B> Future for Limited<F>
where
    F: Future<Output = Result<Response<B>, StreamReset>> + Unpin,
    B: Default,
{
    type Output = Result<Response<LimitedBody<B>>, StreamReset>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = Pin::new(&mut self.call).poll(cx) {
            let deadline = match self.deadline.take() {
                Some(deadline) if deadline.deadline() <= Instant::now() => {
                    return Poll::Ready(Refusal::from(exceeded()).into_answer());
                }
                // The one answer is complete: it goes out whole or, as above, not at all.
                _ if !self.kind.streams_answers() => None,
                deadline => deadline,
            };
            let limited = |body| LimitedBody { body: Some(body), deadline };
            return Poll::Ready(answer.map(|answer| answer.map(limited)));
        }
        let Some(deadline) = &mut self.deadline else { return Poll::Pending };
        ready!(deadline.as_mut().poll(cx));
        Poll::Ready(Refusal::from(exceeded()).into_answer())
    }
}

/// The body of an answer, which ends at the call's deadline.
#[derive(Debug)]
pub struct LimitedBody<B> {
    /// Nothing after the deadline.
    body: Option<B>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B: Default> Default for LimitedBody<B> {
    fn default() -> Self {
        Self { body: Some(B::default()), deadline: None }
    }
}

impl<B: http_body::Body<Data = Bytes> + Unpin> http_body::Body for LimitedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        let Some(deadline) = &mut this.deadline else { return frame };
        match frame {
            // A handler that always has an answer would go on for ever.
            Poll::Ready(Some(Ok(frame)))
                if frame.is_data() && Instant::now() >= deadline.deadline() => {}
            Poll::Ready(frame) => return Poll::Ready(frame),
            Poll::Pending => ready!(deadline.as_mut().poll(cx)),
        }
        this.body = None;
        Poll::Ready(Some(Ok(Frame::trailers(trailers::of(&exceeded())))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), B::size_hint)
    }
}

impl<S, B, Answer> Service<Request<AdmittedBody<B>>> for Deadline<S>
where
    S: Service<Request<AdmittedBody<B>>, Response = Response<Answer>, Error = StreamReset>,
    S::Future: Unpin,
    Answer: Default,
{
    type Response = Response<LimitedBody<Answer>>;
    type Error = StreamReset;
    type Future = Limited<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<AdmittedBody<B>>) -> Self::Future {
        let Admitted { kind, timeout, .. } = request.body().call;
        let deadline = timeout.map(|timeout| Box::pin(sleep(timeout)));
        Limited { call: self.0.call(request), kind, deadline }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limited, LimitedBody};
    use crate::parity::methods::MethodKind;
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

    /// The data before the trailers, and their status.
    async fn ending(pause: Duration) -> (usize, Status) {
        let answers = stream::unfold((), move |()| async move {
            if pause > Duration::ZERO {
                sleep(pause).await;
            }
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"answer"))), ()))
        });
        let body = Some(StreamBody::new(Box::pin(answers)));
        let mut body = LimitedBody { body, deadline: Some(Box::pin(sleep(SECOND))) };
        let (mut answers, start) = (0, std::time::Instant::now());
        loop {
            assert!(start.elapsed() < 20 * SECOND, "no end");
            let frame = body.frame().await.expect("no end before the trailers").expect("a frame");
            if let Some(trailers) = frame.trailers_ref() {
                let status = Status::from_header_map(trailers).expect("a status");
                assert!(body.frame().await.is_none(), "nothing behind the trailers");
                return (answers, status);
            }
            answers += 1;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_after_the_answers_before_the_deadline() {
        let start = Instant::now();
        let (answers, status) = ending(SECOND * 3 / 10).await;
        assert_eq!((answers, status.code()), (3, Code::DeadlineExceeded));
        assert_eq!(status.message(), "Deadline Exceeded");
        assert!(start.elapsed() < SECOND * 11 / 10);
    }

    #[tokio::test]
    async fn a_stream_that_never_waits_ends_too() {
        let (answers, status) = ending(Duration::ZERO).await;
        assert!(answers > 0 && status.code() == Code::DeadlineExceeded);
    }

    /// The status in the head of an answer that is ready `after` the call has begun, and the body's
    /// first data, looked at after the deadline.
    async fn one_answer(kind: MethodKind, after: Duration) -> (Option<Status>, Option<Bytes>) {
        let deadline = Some(Box::pin(sleep(SECOND)));
        let answer = Response::new(Full::new(Bytes::from_static(b"answer")));
        sleep(after).await;
        let answer = Limited { call: ready(Ok(answer)), kind, deadline }.await.expect("an answer");
        sleep(2 * SECOND).await;
        let status = Status::from_header_map(answer.headers());
        let first = answer.into_body().frame().await.transpose().expect("a frame");
        (status, first.and_then(|first| first.into_data().ok()))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_alone_goes_out_whole_or_not_at_all() {
        let answer = Some(Bytes::from_static(b"answer"));
        for kind in [MethodKind::Unary, MethodKind::ClientStreaming] {
            let (status, data) = one_answer(kind, SECOND / 2).await;
            assert!(status.is_none() && data == answer, "{kind:?}");
            let (status, data) = one_answer(kind, SECOND).await;
            let code = status.map(|status| status.code());
            assert_eq!((code, data), (Some(Code::DeadlineExceeded), None), "{kind:?}");
        }
        for kind in [MethodKind::ServerStreaming, MethodKind::Bidirectional] {
            let (status, data) = one_answer(kind, SECOND / 2).await;
            assert!(status.is_none() && data.is_none(), "{kind:?}");
        }
    }
}
