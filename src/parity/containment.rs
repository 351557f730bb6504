//! A handler that panics fails its own call and no other.
//!
//! grpcio turns an exception of a handler into UNKNOWN with its text; a panic would end the whole
//! connection instead.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use tonic::Status;
use tower::{Layer, Service};

use super::refusal::StreamReset;
use super::trailers;

/// Makes [`Containment`] services.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContainmentLayer;

/// Turns a panic into a status.
#[derive(Clone, Debug)]
pub struct Containment<S>(S);

impl<S> Layer<S> for ContainmentLayer {
    type Service = Containment<S>;

    fn layer(&self, inner: S) -> Containment<S> {
        Containment(inner)
    }
}

/// A call whose panic is caught.
#[derive(Debug)]
pub struct Contained<F>(Result<F, Option<Status>>);

impl<F, B> Future for Contained<F>
where
    F: Future<Output = Result<Response<B>, Infallible>> + Unpin,
    B: Default,
{
    type Output = Result<Response<ContainedBody<B>>, StreamReset>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut self.0 {
            Err(status) => status.take().unwrap_or_else(|| Status::unknown("")).into_http(),
            // What the handler leaves half-done is dropped with it.
            Ok(call) => match catch_unwind(AssertUnwindSafe(|| Pin::new(call).poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Ok(answer))) => answer.map(|body| ContainedBody(Some(body))),
                Err(panic) => exception(CALLING, &*panic).into_http(),
            },
        };
        Poll::Ready(Ok(answer))
    }
}

/// The body of an answer in which a panic is caught.
///
/// What the handler had ready in the same breath as the panic, 32 KiB at the most, is lost with it.
#[derive(Debug)]
pub struct ContainedBody<B>(Option<B>);

impl<B: Default> Default for ContainedBody<B> {
    fn default() -> Self {
        Self(Some(B::default()))
    }
}

impl<B: http_body::Body<Data = Bytes> + Unpin> http_body::Body for ContainedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx))) {
            Ok(frame) => frame,
            Err(panic) => {
                self.0 = None;
                let trailers = trailers::of(&exception(ITERATING, &*panic));
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), B::size_hint)
    }
}

/// grpcio's words for an exception before there is an answer.
pub(crate) const CALLING: &str = "Exception calling application";

/// grpcio's words for an exception in a stream of answers, the first one included.
pub(crate) const ITERATING: &str = "Exception iterating responses";

fn exception(doing: &str, panic: &(dyn Any + Send)) -> Status {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or_default();
    Status::unknown(format!("{doing}: {text}"))
}

impl<S, B, Answer> Service<Request<B>> for Containment<S>
where
    S: Service<Request<B>, Response = Response<Answer>, Error = Infallible>,
    S::Future: Unpin,
    Answer: Default,
{
    type Response = Response<ContainedBody<Answer>>;
    type Error = StreamReset;
    type Future = Contained<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx).map_err(|never| match never {})
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match catch_unwind(AssertUnwindSafe(|| self.0.call(request))) {
            Ok(call) => Contained(Ok(call)),
            Err(panic) => Contained(Err(Some(exception(CALLING, &*panic)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ContainmentLayer;
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http::{Request, Response};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use std::convert::Infallible;
    use tonic::body::Body;
    use tonic::{Code, Status};
    use tower::{ServiceBuilder, ServiceExt};

    async fn status(panic_at_once: bool) -> Status {
        let service =
            ServiceBuilder::new().layer(ContainmentLayer).service_fn(move |_: Request<()>| {
                assert!(!panic_at_once, "at once");
                Box::pin(async { panic!("later, {}", 7) as Result<Response<Body>, Infallible> })
            });
        let answer = service.oneshot(Request::new(())).await.expect("an answer");
        Status::from_header_map(answer.headers()).expect("a status")
    }

    #[tokio::test]
    async fn a_panic_is_the_exception_that_python_reports() {
        for (panic_at_once, text) in [(true, "at once"), (false, "later, 7")] {
            let status = status(panic_at_once).await;
            assert_eq!(status.code(), Code::Unknown);
            assert_eq!(status.message(), format!("Exception calling application: {text}"));
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_stream_comes_after_the_answers_before_it() {
        let answers = || {
            let answers = stream::iter(0..2).map(|number| {
                assert!(number < 1, "at answer {number}");
                Ok::<_, Status>(Frame::data(Bytes::from_static(b"answer")))
            });
            Body::new(StreamBody::new(answers))
        };
        let service = ServiceBuilder::new().layer(ContainmentLayer).service_fn(|_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(answers())))
        });
        let mut body = service.oneshot(Request::new(())).await.expect("an answer").into_body();
        let first = body.frame().await.expect("an answer").expect("an answer");
        assert!(first.is_data());
        let last = body.frame().await.expect("trailers").expect("trailers");
        let status = Status::from_header_map(last.trailers_ref().expect("trailers"));
        let message = status.as_ref().map(Status::message);
        assert_eq!(message, Some("Exception iterating responses: at answer 1"));
        assert!(body.frame().await.is_none());
    }
}
