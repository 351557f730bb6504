//! Requests that end early for the method, while the client goes on sending.
//!
//! It stands behind the layer that yields one message in a frame, so that frames can be counted.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;

/// The first messages of a stream of requests.
#[derive(Debug)]
pub(super) struct EndAfter {
    requests: Body,
    left: u64,
}

impl EndAfter {
    pub(super) fn new(requests: Body, count: u64) -> Self {
        Self { requests, left: count }
    }
}

impl http_body::Body for EndAfter {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.requests).poll_frame(cx));
        self.left -= 1;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 || self.requests.is_end_stream()
    }
}
