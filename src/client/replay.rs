//! The body of a request that may have to be sent again.
//!
//! Kept only up to grpcio's limit: a call with a long stream of messages is sent once. It ends with its
//! call, because hyper resets a stream only when the body is done too, and a caller that has dropped
//! its call sends no more messages that would end it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::Reason;
use http_body::Frame;
use tonic::body::Body;

use super::pipe::{Pipe, Piped};

/// How many bytes of a call grpcio keeps (`grpc.per_rpc_retry_buffer_size`).
const LIMIT: usize = 256 * 1024;

/// A body, and what has been read of it so far. To drop it is to cancel the call.
#[derive(Debug)]
pub(super) struct Recording {
    state: Arc<Mutex<State>>,
    pipe: Pipe,
}

#[derive(Debug)]
struct State {
    body: Body,
    frames: Vec<Bytes>,
    size: usize,
    /// Where the body is that is read now.
    next: usize,
    /// Whether it may have to be read again.
    is_kept: bool,
    /// How many bodies have been made of it.
    played: usize,
    /// Nobody waits for the answer any more.
    is_over: bool,
    /// Who waits for the next frame.
    reader: Option<Waker>,
}

impl State {
    /// Nothing has to be kept any more, once all that was kept has been read.
    fn forget(&mut self) {
        self.is_kept = false;
        if self.next == self.frames.len() {
            self.frames = Vec::new();
            self.next = 0;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recording {
    pub(super) fn new(body: Body) -> Self {
        let state = State {
            body,
            frames: Vec::new(),
            size: 0,
            next: 0,
            is_kept: true,
            played: 0,
            is_over: false,
            reader: None,
        };
        Self { state: Arc::new(Mutex::new(state)), pipe: Pipe::default() }
    }

    /// Whether all that has been read can be read again.
    pub(super) fn is_complete(&self) -> bool {
        lock(&self.state).is_kept
    }

    /// The call has been answered, so that it is not made again.
    pub(super) fn answered(&self) {
        lock(&self.state).forget();
    }

    /// The body from its beginning. Those that were made before are over.
    pub(super) fn play(&self) -> Body {
        let mut state = lock(&self.state);
        state.played += 1;
        state.next = 0;
        let number = state.played;
        drop(state);
        let body = Playback { state: Arc::clone(&self.state), number };
        Body::new(Piped::new(Body::new(body), self.pipe.clone()))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.is_over = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        self.pipe.end();
    }
}

/// What resets the stream as a cancelled call's.
fn cancelled() -> tonic::Status {
    tonic::Status::from_error(Box::new(h2::Error::from(Reason::CANCEL)))
}

struct Playback {
    state: Arc<Mutex<State>>,
    number: usize,
}

impl http_body::Body for Playback {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let mut state = lock(&self.state);
        if state.is_over || state.played != self.number {
            return Poll::Ready(Some(Err(cancelled())));
        }
        if let Some(frame) = state.frames.get(state.next).cloned() {
            state.next += 1;
            if !state.is_kept {
                state.forget();
            }
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        let Poll::Ready(frame) = Pin::new(&mut state.body).poll_frame(cx) else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && state.is_kept
        {
            state.size = state.size.saturating_add(data.len());
            if state.size > LIMIT {
                state.forget();
            } else {
                state.frames.push(data.clone());
                state.next += 1;
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let state = lock(&self.state);
        state.next == state.frames.len() && http_body::Body::is_end_stream(&state.body)
    }
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, Recording};
    use bytes::Bytes;
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{BodyExt, Full, StreamBody};
    use std::error::Error;
    use tonic::Status;
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
    async fn a_call_that_nobody_waits_for_is_cancelled() {
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Status>>());
        let recording = Recording::new(Body::new(never));
        let mut body = recording.play();
        let cancel = async { drop(recording) };
        let (frame, ()) = tokio::join!(body.frame(), cancel);
        let error = frame.expect("no end").expect_err("no frame");
        let http2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
        assert_eq!(http2.and_then(h2::Error::reason), Some(h2::Reason::CANCEL));
    }

    #[tokio::test]
    async fn only_the_last_one_is_read() {
        let recording = Recording::new(Body::new(Full::from("message")));
        let (mut old, new) = (recording.play(), recording.play());
        assert!(old.frame().await.is_some_and(|frame| frame.is_err()));
        assert_eq!(collected(new).await, b"message");
    }

    #[tokio::test]
    async fn what_is_read_after_the_answer_is_not_kept() {
        let messages =
            ["one", "two", "three"].map(|text| Ok::<_, Status>(Frame::data(text.into())));
        let recording = Recording::new(Body::new(StreamBody::new(stream::iter(messages))));
        let mut first = recording.play();
        for _ in 0..2 {
            first.frame().await.expect("a frame").expect("no error");
        }
        // Answered while the second attempt is still at the beginning: all of it is sent.
        let mut second = recording.play();
        recording.answered();
        assert!(!recording.is_complete());
        let mut sent = Vec::new();
        while let Some(frame) = second.frame().await {
            sent.push(frame.expect("no error").into_data().expect("no trailers"));
        }
        assert_eq!(sent, ["one", "two", "three"]);
        assert!(super::lock(&recording.state).frames.is_empty());
    }

    #[tokio::test]
    async fn too_much_is_not_kept() {
        let recording = Recording::new(Body::new(Full::from(vec![7; LIMIT + 1])));
        assert_eq!(collected(recording.play()).await.len(), LIMIT + 1);
        assert!(!recording.is_complete());
    }
}
