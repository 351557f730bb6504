//! The calls in flight, counted, so that a server that is to end knows when it may.
//!
//! hyper waits for connections to close instead. One whose client never says a word, or never
//! answers the ping by which HTTP/2 asks for last calls, would keep the server for ever.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use http_body::{Body, Frame, SizeHint};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::Service;

/// After the last call: for its answer to reach the client, and for calls that are on their way.
const QUIET: Duration = Duration::from_secs(1);

/// The calls that have been begun and not been answered yet; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(TaskTracker);

impl InFlight {
    /// `service`, each call of which counts from its headers to the end of its answer's body.
    pub(crate) fn count<S>(&self, service: S) -> Counted<S> {
        Counted { service, in_flight: self.clone() }
    }
}

/// Returns when none of these calls has been in flight for a second.
pub(crate) async fn drained(calls: &[&InFlight]) {
    loop {
        for InFlight(calls) in calls {
            calls.close();
            calls.wait().await;
        }
        tokio::time::sleep(QUIET).await;
        if calls.iter().all(|calls| calls.0.is_empty()) {
            return;
        }
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(crate) struct Counted<S> {
    service: S,
    in_flight: InFlight,
}

impl<S, R, Answer> Service<R> for Counted<S>
where
    S: Service<R, Response = Response<Answer>>,
    S::Future: Unpin,
{
    type Response = Response<CountedBody<Answer>>;
    type Error = S::Error;
    type Future = CountedCall<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let token = Some(self.in_flight.0.token());
        CountedCall { call: self.service.call(request), token }
    }
}

/// A call that counts.
#[derive(Debug)]
pub(crate) struct CountedCall<F> {
    call: F,
    token: Option<TaskTrackerToken>,
}

impl<F, Answer, E> Future for CountedCall<F>
where
    F: Future<Output = Result<Response<Answer>, E>> + Unpin,
{
    type Output = Result<Response<CountedBody<Answer>>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.call).poll(context));
        let token = self.token.take();
        Poll::Ready(answer.map(|answer| answer.map(|body| CountedBody { body, _token: token })))
    }
}

/// The body of an answer whose call counts until it is gone.
#[derive(Debug)]
pub(crate) struct CountedBody<B> {
    body: B,
    _token: Option<TaskTrackerToken>,
}

impl<B: Body + Unpin> Body for CountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::{InFlight, QUIET, drained};
    use http::Response;
    use std::convert::Infallible;
    use std::time::Duration;
    use tokio::time::{Instant, sleep, timeout};
    use tower::{ServiceExt, service_fn};

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_call_is_waited_for_and_then_a_second() {
        let in_flight = InFlight::default();
        let call = in_flight.0.token();
        timeout(HOUR, drained(&[&in_flight])).await.expect_err("a call is in flight");
        drop(call);
        let start = Instant::now();
        drained(&[&in_flight]).await;
        assert_eq!(start.elapsed(), QUIET);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_comes_late_is_waited_for_too() {
        let in_flight = InFlight::default();
        let start = Instant::now();
        let late = async {
            sleep(QUIET / 2).await;
            let call = in_flight.0.token();
            sleep(HOUR).await;
            drop(call);
        };
        let calls = [&in_flight];
        tokio::join!(drained(&calls), late);
        assert_eq!(start.elapsed(), QUIET / 2 + HOUR + QUIET);
    }

    #[tokio::test(start_paused = true)]
    async fn those_of_one_worker_are_waited_for_while_another_has_some() {
        let (idle, busy) = (InFlight::default(), InFlight::default());
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
    async fn a_call_lasts_until_its_answer_has_ended() {
        let in_flight = InFlight::default();
        let service = in_flight.count(service_fn(|()| {
            std::future::ready(Ok::<_, Infallible>(Response::new(String::from("answers"))))
        }));
        let answer = service.oneshot(()).await.expect("an answer");
        timeout(HOUR, drained(&[&in_flight])).await.expect_err("answers are on their way");
        drop(answer);
        timeout(HOUR, drained(&[&in_flight])).await.expect("nothing is");
    }
}
