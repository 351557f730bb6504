//! What remains of a refused request is read and dropped for a moment.
//!
//! A response to an unfinished request is followed by RST_STREAM with NO_ERROR, as in grpcio. If that
//! arrives at a proxy together with the response, while it still has data to send, the proxy may
//! cancel the call instead of passing the response on, as HAProxy 2.6 does. grpcio refuses a large
//! message only when it has processed all data that has arrived, so a message up to the size of its
//! window has been sent by then.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use tokio::time::timeout;

/// How long to wait for the next data. A proxy that has nothing to send passes the response on in
/// less, and a client that waits for the reset hardly notices.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// How long to read in all, if a client does not stop when it has the response.
const MAX_TIME: Duration = Duration::from_secs(2);

/// Reads the rest of a request in a task of its own. The stream is reset when it ends.
pub(super) fn discard<B>(body: Option<B>)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    let Some(mut body) = body else { return };
    tokio::spawn(timeout(MAX_TIME, async move {
        let mut next = async || poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        while let Ok(Some(Ok(_))) = timeout(MAX_PAUSE, next()).await {}
    }));
}

#[cfg(test)]
mod tests {
    use super::{MAX_PAUSE, MAX_TIME, discard};
    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use std::convert::Infallible;
    use tokio::sync::mpsc;
    use tokio::time::{Instant, sleep};
    use tokio_stream::wrappers::ReceiverStream;

    type Frames = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

    fn discarded() -> Frames {
        let (frames, receiver) = mpsc::channel(1);
        discard(Some(StreamBody::new(ReceiverStream::new(receiver))));
        frames
    }

    #[tokio::test(start_paused = true)]
    async fn data_is_dropped_until_it_pauses() {
        let (frames, start) = (discarded(), Instant::now());
        for _ in 0..5 {
            frames.send(Ok(Frame::data(Bytes::from_static(b"data")))).await.expect("it is read");
            sleep(MAX_PAUSE / 2).await;
        }
        frames.closed().await;
        assert_eq!(start.elapsed(), MAX_PAUSE / 2 * 4 + MAX_PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_stops_is_reset() {
        let (frames, start) = (discarded(), Instant::now());
        while frames.send(Ok(Frame::data(Bytes::from_static(b"data")))).await.is_ok() {
            sleep(MAX_PAUSE / 2).await;
        }
        assert!(start.elapsed() <= MAX_TIME + MAX_PAUSE);
    }
}
