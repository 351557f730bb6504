//! The calls in flight, counted, so that a server that is to end knows when it may.
//!
//! hyper waits for connections to close instead. One whose client never says a word, or never
//! answers the ping by which HTTP/2 asks for last calls, would keep the server for ever.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TrackedFuture;
use tower::Service;

/// After the last call: for its answer to reach the client, and for calls that are on their way.
const QUIET: Duration = Duration::from_secs(1);

/// The calls that have been begun and not been answered yet; clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(TaskTracker);

impl InFlight {
    /// `service`, each call of which counts from its headers to its answer.
    pub(crate) fn count<S>(&self, service: S) -> Counted<S> {
        Counted { service, in_flight: self.clone() }
    }

    /// Returns when no call has been in flight for a second.
    pub(crate) async fn drained(&self) {
        self.0.close();
        loop {
            self.0.wait().await;
            tokio::time::sleep(QUIET).await;
            if self.0.is_empty() {
                return;
            }
        }
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(crate) struct Counted<S> {
    service: S,
    in_flight: InFlight,
}

impl<S: Service<Request>, Request> Service<Request> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = TrackedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.in_flight.0.track_future(self.service.call(request))
    }
}

#[cfg(test)]
mod tests {
    use super::{InFlight, QUIET};
    use std::time::Duration;
    use tokio::time::{Instant, sleep, timeout};

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_call_is_waited_for_and_then_a_second() {
        let in_flight = InFlight::default();
        let call = in_flight.0.token();
        timeout(HOUR, in_flight.drained()).await.expect_err("a call is in flight");
        drop(call);
        let start = Instant::now();
        in_flight.drained().await;
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
        tokio::join!(in_flight.drained(), late);
        assert_eq!(start.elapsed(), QUIET / 2 + HOUR + QUIET);
    }
}
