//! Ends the requests early for the method, while the client continues to send.
//!
//! Each frame contains one message at this point, so counting frames counts requests.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, SizeHint};

use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};

/// The first `count` messages of `requests`.
pub(super) fn end_after<B>(requests: B, count: u64) -> FilteredBody<B, EndAfter> {
    FilteredBody::new(requests, EndAfter { left: count })
}

/// Ends a stream of requests after some messages.
///
/// The body is kept and not dropped, because that would reset the stream of the client.
#[derive(Debug)]
pub(super) struct EndAfter {
    left: u64,
}

impl<B: Body<Data = Bytes> + Unpin> BodyFilter<B> for EndAfter {
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let frame = ready!(body.poll_frame(cx));
        self.left -= 1;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self, body: &B) -> bool {
        self.left == 0 || body.is_end_stream()
    }

    /// Not all of `body` is returned.
    fn size_hint(&self, _: &B) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::end_after;
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
    async fn the_stream_ends_before_the_client_does() {
        for count in 0..3 {
            let two = ["a", "b"].map(|text| Ok::<_, Status>(Frame::data(Bytes::from(text))));
            let requests = stream::iter(two).chain(stream::pending());
            let seen = end_after(Body::new(StreamBody::new(requests)), count);
            let seen = timeout(LIMIT, seen.collect()).await.expect("an end");
            let seen = seen.expect("messages").to_bytes();
            assert_eq!(seen, ["", "a", "ab"][usize::try_from(count).expect("small")]);
        }
    }
}
