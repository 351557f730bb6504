//! The body of a request that may have to be sent again.
//!
//! Kept only up to grpcio's limit: a call with a long stream of messages is sent once.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use tonic::body::Body;

/// How many bytes of a call grpcio keeps (`grpc.per_rpc_retry_buffer_size`).
const LIMIT: usize = 256 * 1024;

/// A body, and what has been read of it so far.
#[derive(Debug)]
pub(super) struct Recording(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    body: Body,
    frames: Vec<Bytes>,
    size: usize,
}

impl State {
    fn has_overflown(&self) -> bool {
        self.size > LIMIT
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recording {
    pub(super) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(State { body, frames: Vec::new(), size: 0 })))
    }

    /// Whether all that has been read can be read again.
    pub(super) fn is_complete(&self) -> bool {
        !lock(&self.0).has_overflown()
    }

    /// The body from its beginning. Only the last one that was made may be read.
    pub(super) fn play(&self) -> Body {
        Body::new(Playback { state: Arc::clone(&self.0), next: 0 })
    }
}

struct Playback {
    state: Arc<Mutex<State>>,
    next: usize,
}

impl http_body::Body for Playback {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let mut state = lock(&this.state);
        if let Some(frame) = state.frames.get(this.next) {
            this.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(frame.clone()))));
        }
        let frame = std::task::ready!(Pin::new(&mut state.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            state.size = state.size.saturating_add(data.len());
            if state.has_overflown() {
                state.frames.clear();
                this.next = 0;
            } else {
                state.frames.push(data.clone());
                this.next += 1;
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let state = lock(&self.state);
        self.next == state.frames.len() && http_body::Body::is_end_stream(&state.body)
    }
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, Recording};
    use http_body_util::{BodyExt, Full};
    use tonic::body::Body;

    async fn collected(body: Body) -> Vec<u8> {
        body.collect().await.expect("from memory").to_bytes().to_vec()
    }

    #[tokio::test]
    async fn what_was_read_can_be_read_again() {
        let recording = Recording::new(Body::new(Full::from("message")));
        for _ in 0..2 {
            assert_eq!(collected(recording.play()).await, b"message");
        }
        assert!(recording.is_complete());
    }

    #[tokio::test]
    async fn too_much_is_not_kept() {
        let recording = Recording::new(Body::new(Full::from(vec![7; LIMIT + 1])));
        assert_eq!(collected(recording.play()).await.len(), LIMIT + 1);
        assert!(!recording.is_complete());
    }
}
