//! The response streams of `StreamingCalculator`.
//!
//! Each response is produced only when the client has room for it, and a number is read only when
//! its response can be sent. So a client that reads slowly is slowed down by flow control, and ten
//! million responses need no memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use crate::Number;
use crate::calculator::arithmetic::square_root;
use crate::grpcio::status;

/// The responses of `RepeatedRoots`: the root of a number, the root of that root, and so on.
#[derive(Debug)]
pub struct RepeatedRoots {
    last: f32,
    left: u32,
    /// `None` is as fast as the client reads.
    pace: Option<Interval>,
}

impl RepeatedRoots {
    /// `count` responses, starting with the root of `start`: the first one at once, every other one
    /// `pause` after the previous one.
    pub(super) fn new(start: f32, count: u32, pause: Duration) -> Self {
        let pace = (!pause.is_zero()).then(|| {
            let mut pace = interval(pause);
            // A slow client does not receive a burst when it has caught up.
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            pace
        });
        Self { last: start, left: count, pace }
    }
}

impl Stream for RepeatedRoots {
    type Item = Result<Number, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(pace) = &mut self.pace {
            ready!(pace.poll_tick(cx));
        }
        let response = root(self.last);
        match &response {
            Ok(root) => {
                self.last = root.value;
                self.left -= 1;
            }
            Err(_) => self.left = 0,
        }
        Poll::Ready(Some(response))
    }
}

/// The responses of `RootOfEach`: the root of each number as soon as it has arrived.
#[derive(Debug)]
pub struct RootOfEach(Option<Streaming<Number>>);

impl RootOfEach {
    pub(super) fn new(numbers: Streaming<Number>) -> Self {
        Self(Some(numbers))
    }
}

impl Stream for RootOfEach {
    type Item = Result<Number, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(numbers) = &mut self.0 else { return Poll::Ready(None) };
        let number = ready!(Pin::new(numbers).poll_next(cx));
        let response = number.map(|number| number.and_then(|number| root(number.value)));
        if !matches!(response, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(response)
    }
}

/// The root of `x`. In Python the exception occurs while grpcio iterates over the responses.
fn root(x: f32) -> Result<Number, Status> {
    square_root(x).map(|value| Number { value }).map_err(status::exception_iterating)
}

#[cfg(test)]
mod tests {
    use super::RepeatedRoots;
    use std::time::Duration;
    use tokio::time::Instant;
    use tokio_stream::StreamExt;

    #[tokio::test(start_paused = true)]
    async fn the_first_response_is_sent_at_once_and_the_others_at_intervals() {
        let start = Instant::now();
        let mut responses = RepeatedRoots::new(256.0, 3, Duration::from_millis(40));
        let mut received = Vec::new();
        while let Some(response) = responses.next().await {
            received.push((response.expect("a root").value, start.elapsed().as_millis()));
        }
        assert_eq!(received, [(16.0, 0), (4.0, 40), (2.0, 80)]);
    }

    #[tokio::test]
    async fn nothing_follows_an_error() {
        let mut responses = RepeatedRoots::new(-1.0, 3, Duration::ZERO);
        let status = responses.next().await.expect("an end").expect_err("a domain error");
        assert_eq!(status.message(), "Exception iterating responses: math domain error");
        assert!(responses.next().await.is_none());
    }
}
