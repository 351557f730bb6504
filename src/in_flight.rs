//! The calls in flight, counted, so that a server that is to end knows when it may.
//!
//! tonic waits for connections to close instead. One whose client never says a word, or never
//! answers the ping by which HTTP/2 asks for last calls, would keep the server for ever.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::NamedService;

/// After the last call: for its answer to reach the client, and for calls that are on their way.
const QUIET: Duration = Duration::from_secs(1);

/// How many calls have been begun and not been answered yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(watch::Sender<usize>);

impl InFlight {
    /// `service`, each call of which counts from its headers to its answer.
    pub(crate) fn count<S>(&self, service: S) -> Counted<S> {
        Counted { service, in_flight: self.clone() }
    }

    /// Returns when no call has been in flight for a second.
    pub(crate) async fn drained(&self) {
        let mut count = self.0.subscribe();
        // An error would say that nobody counts any more.
        while count.wait_for(|calls| *calls == 0).await.is_ok()
            && tokio::time::timeout(QUIET, count.changed()).await.is_ok()
        {}
    }

    fn begin(&self) -> Call {
        self.0.send_modify(|calls| *calls += 1);
        Call(self.clone())
    }
}

/// A call in flight, until it is dropped: answered or cancelled.
#[derive(Debug)]
struct Call(InFlight);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.0.send_modify(|calls| *calls -= 1);
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(crate) struct Counted<S> {
    service: S,
    in_flight: InFlight,
}

impl<S, Request> Service<Request> for Counted<S>
where
    S: Service<Request, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let call = self.in_flight.begin();
        let answer = self.service.call(request);
        Box::pin(async move {
            let _call = call;
            answer.await
        })
    }
}

impl<S: NamedService> NamedService for Counted<S> {
    const NAME: &'static str = S::NAME;
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
        let call = in_flight.begin();
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
            let call = in_flight.begin();
            sleep(HOUR).await;
            drop(call);
        };
        tokio::join!(in_flight.drained(), late);
        assert_eq!(start.elapsed(), QUIET / 2 + HOUR + QUIET);
    }
}
