//! The answers of `StreamingCalculator.RepeatedRoots`, each made when the client has room for it.
//!
//! Nothing is made ahead: ten million answers to a client that reads slowly cost no memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_stream::Stream;
use tonic::Status;

use super::streaming_calculator::{exception, root};
use crate::Number;

/// The root of a number, the root of that root, and so on.
#[derive(Debug)]
pub struct RepeatedRoots {
    last: f32,
    left: u32,
    /// `None` is as fast as the client reads.
    pace: Option<Interval>,
}

impl RepeatedRoots {
    /// `count` answers beginning with the root of `start`: the first one at once, each other one
    /// `pause` after the one before.
    pub(super) fn new(start: f32, count: u32, pause: Duration) -> Self {
        let pace = (!pause.is_zero()).then(|| {
            let mut pace = interval(pause);
            // A client that reads slowly is not overwhelmed when it has caught up.
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
        let answer = root(self.last).map_err(exception);
        match &answer {
            Ok(root) => {
                self.last = root.value;
                self.left -= 1;
            }
            Err(_) => self.left = 0,
        }
        Poll::Ready(Some(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::RepeatedRoots;
    use std::time::Duration;
    use tokio::time::Instant;
    use tokio_stream::StreamExt;

    #[tokio::test(start_paused = true)]
    async fn the_first_answer_comes_at_once_and_the_others_at_intervals() {
        let start = Instant::now();
        let mut answers = RepeatedRoots::new(256.0, 3, Duration::from_millis(40));
        let mut seen = Vec::new();
        while let Some(answer) = answers.next().await {
            seen.push((answer.expect("a root").value, start.elapsed().as_millis()));
        }
        assert_eq!(seen, [(16.0, 0), (4.0, 40), (2.0, 80)]);
    }

    #[tokio::test]
    async fn nothing_follows_an_error() {
        let mut answers = RepeatedRoots::new(-1.0, 3, Duration::ZERO);
        let status = answers.next().await.expect("an end").expect_err("a domain error");
        assert_eq!(status.message(), "Exception iterating responses: math domain error");
        assert!(answers.next().await.is_none());
    }
}
