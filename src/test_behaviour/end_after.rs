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

#[cfg(test)]
mod tests {
    use super::EndAfter;
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use std::time::Duration;
    use tokio::time::timeout;
    use tonic::Status;
    use tonic::body::Body;

    const LIMIT: Duration = Duration::from_secs(20);

    #[tokio::test(start_paused = true)]
    async fn the_stream_ends_although_more_could_come() {
        for count in 0..3 {
            let two = ["a", "b"].map(|text| Ok::<_, Status>(Frame::data(Bytes::from(text))));
            let requests = stream::iter(two).chain(stream::pending());
            let seen = EndAfter::new(Body::new(StreamBody::new(requests)), count);
            let seen = timeout(LIMIT, seen.collect()).await.expect("an end");
            let seen = seen.expect("messages").to_bytes();
            assert_eq!(seen, ["", "a", "ab"][usize::try_from(count).expect("small")]);
        }
    }
}
