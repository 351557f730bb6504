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

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::refusal::StreamReset;

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
pub struct Contained<F>(Result<Pin<Box<F>>, Option<Status>>);

impl<F> Future for Contained<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = Result<Response<Body>, StreamReset>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut self.0 {
            Err(status) => status.take().unwrap_or_else(|| Status::unknown("")).into_http(),
            // What the handler leaves half-done is dropped with it.
            Ok(call) => match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Ok(answer))) => answer,
                Err(panic) => exception(&*panic).into_http(),
            },
        };
        Poll::Ready(Ok(answer))
    }
}

/// grpcio's words for an exception in a handler.
fn exception(panic: &(dyn Any + Send)) -> Status {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or_default();
    Status::unknown(format!("Exception calling application: {text}"))
}

impl<S, B> Service<Request<B>> for Containment<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = StreamReset;
    type Future = Contained<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.0.poll_ready(cx).map_err(|never| match never {})
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match catch_unwind(AssertUnwindSafe(|| self.0.call(request))) {
            Ok(call) => Contained(Ok(Box::pin(call))),
            Err(panic) => Contained(Err(Some(exception(&*panic)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ContainmentLayer;
    use http::{Request, Response};
    use std::convert::Infallible;
    use tonic::body::Body;
    use tonic::{Code, Status};
    use tower::{ServiceBuilder, ServiceExt};

    async fn status(panic_at_once: bool) -> Status {
        let service =
            ServiceBuilder::new().layer(ContainmentLayer).service_fn(move |_: Request<()>| {
                assert!(!panic_at_once, "at once");
                async { panic!("later, {}", 7) as Result<Response<Body>, Infallible> }
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
}
