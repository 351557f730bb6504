//! A panic in a handler fails only its own call.
//!
//! grpcio turns an exception in a handler into UNKNOWN with its text. With hyper, a panic would end
//! the whole connection.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tonic::Status;
use tower::{Layer, Service};

use super::refusal::StreamReset;
use crate::grpcio::status;
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};

/// Adds [`CatchPanic`] to a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchPanicLayer;

/// Turns a panic into a status.
#[derive(Clone, Debug)]
pub struct CatchPanic<S>(S);

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic(inner)
    }
}

impl<S, B, ResBody> Service<Request<B>> for CatchPanic<S>
where
    S: Service<Request<B>, Response = Response<ResBody>, Error = Infallible>,
{
    type Response = Response<CatchPanicBody<ResBody>>;
    type Error = StreamReset;
    type Future = CatchPanicFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx).map_err(|never| match never {})
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match catch_unwind(AssertUnwindSafe(|| self.0.call(request))) {
            Ok(call) => CatchPanicFuture { call: Some(call), panic: None },
            Err(panic) => {
                let status = status::exception_calling(text(&*panic));
                CatchPanicFuture { call: None, panic: Some(status) }
            }
        }
    }
}

pin_project! {
    /// A call, or the status of the panic that occurred when it was started.
    #[derive(Debug)]
    pub struct CatchPanicFuture<F> {
        #[pin]
        call: Option<F>,
        panic: Option<Status>,
    }
}

impl<F, B> Future for CatchPanicFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<CatchPanicBody<B>>, StreamReset>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match this.call.as_pin_mut() {
            None => this.panic.take().unwrap_or_else(|| Status::unknown("")).into_http(),
            // Unwind safe, because the handler and its state are not used after the panic.
            Some(call) => match catch_unwind(AssertUnwindSafe(|| call.poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Ok(response))) => {
                    response.map(|body| FilteredBody::new(body, CatchPanicFilter))
                }
                Err(panic) => status::exception_calling(text(&*panic)).into_http(),
            },
        };
        Poll::Ready(Ok(response))
    }
}

/// The body of a response; a panic in it ends the response with a status.
pub type CatchPanicBody<B> = FilteredBody<B, CatchPanicFilter>;

/// Replaces a panic with trailers.
///
/// Up to 32 KiB of responses that tonic has buffered before the panic are lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchPanicFilter;

impl<B: Body<Data = Bytes> + Unpin> BodyFilter<B> for CatchPanicFilter {
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        match catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))) {
            Ok(frame) => frame,
            Err(panic) => {
                body.close();
                let status = status::exception_iterating(text(&*panic));
                Poll::Ready(Some(Ok(Frame::trailers(status::trailers(&status)))))
            }
        }
    }
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::CatchPanicLayer;
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
            ServiceBuilder::new().layer(CatchPanicLayer).service_fn(move |_: Request<()>| {
                assert!(!panic_at_once, "at once");
                Box::pin(async { panic!("later, {}", 7) as Result<Response<Body>, Infallible> })
            });
        let response = service.oneshot(Request::new(())).await.expect("a response");
        Status::from_header_map(response.headers()).expect("a status")
    }

    #[tokio::test]
    async fn a_panic_has_the_status_of_a_python_exception() {
        for (panic_at_once, text) in [(true, "at once"), (false, "later, 7")] {
            let status = status(panic_at_once).await;
            assert_eq!(status.code(), Code::Unknown);
            assert_eq!(status.message(), format!("Exception calling application: {text}"));
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_stream_follows_the_responses_before_it() {
        let responses = || {
            let stream = stream::iter(0..2).map(|number| {
                assert!(number < 1, "at response {number}");
                Ok::<_, Status>(Frame::data(Bytes::from_static(b"response")))
            });
            Body::new(StreamBody::new(stream))
        };
        let service = ServiceBuilder::new().layer(CatchPanicLayer).service_fn(|_: Request<()>| {
            std::future::ready(Ok::<_, Infallible>(Response::new(responses())))
        });
        let mut body = service.oneshot(Request::new(())).await.expect("a response").into_body();
        let first = body.frame().await.expect("a response").expect("a response");
        assert!(first.is_data());
        let last = body.frame().await.expect("trailers").expect("trailers");
        let status = Status::from_header_map(last.trailers_ref().expect("trailers"));
        let message = status.as_ref().map(Status::message);
        assert_eq!(message, Some("Exception iterating responses: at response 1"));
        assert!(body.frame().await.is_none());
    }
}
