//! The answers of `StreamingCalculator.RootOfEach`: one for each number, as soon as it has come.
//!
//! A number is read only when its answer can be sent, so that a client which sends and does not read
//! is slowed down by flow control and not kept in memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio_stream::Stream;
use tonic::{Status, Streaming};

use super::streaming_calculator::{exception, root};
use crate::Number;

/// The roots of a stream of numbers.
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
        let answer = number.map(|number| number.and_then(|x| root(x.value).map_err(exception)));
        if !matches!(answer, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(answer)
    }
}
