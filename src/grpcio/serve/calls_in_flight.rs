//! Counts the calls in flight, so that a shutdown can wait for them.
//!
//! hyper waits until connections are closed instead. A client that never sends anything, or never
//! acknowledges the ping of a graceful shutdown, would block the server forever.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use pin_project_lite::pin_project;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::Service;

use crate::grpcio::wire::filtered_body::{FilteredBody, Hold};

/// The delay after the last call, in which its response reaches the client and further calls may
/// arrive.
const QUIET_PERIOD: Duration = Duration::from_secs(1);

/// The calls that have started and not ended. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct CallsInFlight(TaskTracker);

impl CallsInFlight {
    /// Counts the calls of `service`, from their header fields to the end of the body of the
    /// response.
    pub(super) fn count<S>(&self, service: S) -> Counted<S> {
        Counted { service, in_flight: self.clone() }
    }
}

/// Returns when none of these calls has been in flight for the quiet period.
pub(super) async fn drained(calls: &[&CallsInFlight]) {
    loop {
        for CallsInFlight(calls) in calls {
            calls.close();
            calls.wait().await;
        }
        tokio::time::sleep(QUIET_PERIOD).await;
        if calls.iter().all(|calls| calls.0.is_empty()) {
            return;
        }
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    service: S,
    in_flight: CallsInFlight,
}

impl<S, R, ResBody> Service<R> for Counted<S>
where
    S: Service<R, Response = Response<ResBody>>,
{
    type Response = Response<CountedBody<ResBody>>;
    type Error = S::Error;
    type Future = CountedCall<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let token = Some(self.in_flight.0.token());
        CountedCall { call: self.service.call(request), token }
    }
}

pin_project! {
    /// A counted call.
    #[derive(Debug)]
    pub(super) struct CountedCall<F> {
        #[pin]
        call: F,
        token: Option<TaskTrackerToken>,
    }
}

impl<F, ResBody, E> Future for CountedCall<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = Result<Response<CountedBody<ResBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.call.poll(cx));
        let hold = Hold::new(this.token.take());
        Poll::Ready(response.map(|response| response.map(|body| FilteredBody::new(body, hold))))
    }
}

/// The body of a response, whose call counts until the body is dropped.
pub(super) type CountedBody<B> = FilteredBody<B, Hold<Option<TaskTrackerToken>>>;

#[cfg(test)]
mod tests {
    use super::{CallsInFlight, QUIET_PERIOD, drained};
    use http::Response;
    use std::convert::Infallible;
    use std::time::Duration;
    use tokio::time::{Instant, sleep, timeout};
    use tower::{ServiceExt, service_fn};

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_call_and_then_the_quiet_period_are_awaited() {
        let in_flight = CallsInFlight::default();
        let call = in_flight.0.token();
        timeout(HOUR, drained(&[&in_flight])).await.expect_err("a call is in flight");
        drop(call);
        let start = Instant::now();
        drained(&[&in_flight]).await;
        assert_eq!(start.elapsed(), QUIET_PERIOD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_call_is_awaited_too() {
        let in_flight = CallsInFlight::default();
        let start = Instant::now();
        let late = async {
            sleep(QUIET_PERIOD / 2).await;
            let call = in_flight.0.token();
            sleep(HOUR).await;
            drop(call);
        };
        let calls = [&in_flight];
        tokio::join!(drained(&calls), late);
        assert_eq!(start.elapsed(), QUIET_PERIOD / 2 + HOUR + QUIET_PERIOD);
    }

    #[tokio::test(start_paused = true)]
    async fn the_calls_of_all_workers_are_awaited() {
        let (idle, busy) = (CallsInFlight::default(), CallsInFlight::default());
        let start = Instant::now();
        let late = async {
            let call = busy.0.token();
            sleep(HOUR).await;
            let late = idle.0.token();
            drop(call);
            sleep(HOUR).await;
            drop(late);
        };
        let calls = [&idle, &busy];
        tokio::join!(drained(&calls), late);
        assert!(start.elapsed() >= 2 * HOUR);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_lasts_until_its_response_has_ended() {
        let in_flight = CallsInFlight::default();
        let service = in_flight.count(service_fn(|()| {
            std::future::ready(Ok::<_, Infallible>(Response::new(String::from("response"))))
        }));
        let response = service.oneshot(()).await.expect("a response");
        timeout(HOUR, drained(&[&in_flight])).await.expect_err("the response has not ended");
        drop(response);
        timeout(HOUR, drained(&[&in_flight])).await.expect("no call is in flight");
    }
}
