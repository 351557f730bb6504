//! Buffers the messages of a call, so that [`retry`](super::retry) can send them again.
//!
//! At most as many bytes as in grpcio are kept: a long stream of requests is sent only once. The
//! body ends with its call, because hyper resets a stream only after the body has ended, and a
//! caller that has dropped its call does not end the body.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::Reason;
use http_body::Frame;
use tonic::body::Body;

use super::request_task::{RequestTask, track_task};

/// How many bytes of a call grpcio keeps (`grpc.per_rpc_retry_buffer_size`).
const BUFFER_SIZE: usize = 256 * 1024;

/// A body and the frames that have been read from it. Dropping it cancels the call.
#[derive(Debug)]
pub(super) struct ReplayBuffer {
    state: Arc<Mutex<State>>,
    task: RequestTask,
}

#[derive(Debug)]
struct State {
    body: Body,
    frames: Vec<Bytes>,
    size: usize,
    /// The position of the current attempt in `frames`.
    next: usize,
    /// Whether the frames are kept for another attempt.
    is_buffering: bool,
    /// The number of attempts.
    attempts: usize,
    /// The call has been dropped.
    is_cancelled: bool,
    /// Wakes the task that waits for the next frame.
    reader: Option<Waker>,
}

impl State {
    /// Stops buffering, and drops the buffer once it has been read.
    fn stop_buffering(&mut self) {
        self.is_buffering = false;
        if self.next == self.frames.len() {
            self.frames = Vec::new();
            self.next = 0;
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReplayBuffer {
    pub(super) fn new(body: Body) -> Self {
        let state = State {
            body,
            frames: Vec::new(),
            size: 0,
            next: 0,
            is_buffering: true,
            attempts: 0,
            is_cancelled: false,
            reader: None,
        };
        Self { state: Arc::new(Mutex::new(state)), task: RequestTask::default() }
    }

    /// Whether everything that has been read can be sent again.
    pub(super) fn is_complete(&self) -> bool {
        lock(&self.state).is_buffering
    }

    /// Stops buffering, because the call has a response and will not be retried.
    pub(super) fn commit(&self) {
        lock(&self.state).stop_buffering();
    }

    /// The body for another attempt, from the start. Bodies of earlier attempts fail.
    pub(super) fn attempt(&self) -> Body {
        let mut state = lock(&self.state);
        state.attempts += 1;
        state.next = 0;
        let attempt = state.attempts;
        drop(state);
        let body = ReplayBody { state: Arc::clone(&self.state), attempt };
        Body::new(track_task(body, self.task.clone()))
    }
}

impl Drop for ReplayBuffer {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.is_cancelled = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        self.task.end();
    }
}

/// The error that resets the stream with CANCEL.
fn cancelled() -> tonic::Status {
    tonic::Status::from_error(Box::new(h2::Error::from(Reason::CANCEL)))
}

/// The body of one attempt.
struct ReplayBody {
    state: Arc<Mutex<State>>,
    attempt: usize,
}

impl http_body::Body for ReplayBody {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let mut state = lock(&self.state);
        if state.is_cancelled || state.attempts != self.attempt {
            return Poll::Ready(Some(Err(cancelled())));
        }
        if let Some(frame) = state.frames.get(state.next).cloned() {
            state.next += 1;
            if !state.is_buffering {
                state.stop_buffering();
            }
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        let Poll::Ready(frame) = Pin::new(&mut state.body).poll_frame(cx) else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && state.is_buffering
        {
            state.size = state.size.saturating_add(data.len());
            if state.size > BUFFER_SIZE {
                state.stop_buffering();
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
    use super::{BUFFER_SIZE, ReplayBuffer};
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
    async fn a_body_can_be_sent_again() {
        let buffer = ReplayBuffer::new(Body::new(Full::from("message")));
        for _ in 0..2 {
            assert_eq!(collected(buffer.attempt()).await, b"message");
        }
        assert!(buffer.is_complete());
    }

    #[tokio::test]
    async fn dropping_the_buffer_cancels_the_call() {
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Status>>());
        let buffer = ReplayBuffer::new(Body::new(never));
        let mut body = buffer.attempt();
        let cancel = async { drop(buffer) };
        let (frame, ()) = tokio::join!(body.frame(), cancel);
        let error = frame.expect("no end").expect_err("no frame");
        let http2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
        assert_eq!(http2.and_then(h2::Error::reason), Some(h2::Reason::CANCEL));
    }

    #[tokio::test]
    async fn only_the_last_attempt_is_sent() {
        let buffer = ReplayBuffer::new(Body::new(Full::from("message")));
        let (mut old, new) = (buffer.attempt(), buffer.attempt());
        assert!(old.frame().await.is_some_and(|frame| frame.is_err()));
        assert_eq!(collected(new).await, b"message");
    }

    #[tokio::test]
    async fn frames_after_the_response_are_not_kept() {
        let messages =
            ["one", "two", "three"].map(|text| Ok::<_, Status>(Frame::data(text.into())));
        let buffer = ReplayBuffer::new(Body::new(StreamBody::new(stream::iter(messages))));
        let mut first = buffer.attempt();
        for _ in 0..2 {
            first.frame().await.expect("a frame").expect("no error");
        }
        // Committed at the start of the second attempt, which is still sent completely.
        let mut second = buffer.attempt();
        buffer.commit();
        assert!(!buffer.is_complete());
        let mut sent = Vec::new();
        while let Some(frame) = second.frame().await {
            sent.push(frame.expect("no error").into_data().expect("no trailers"));
        }
        assert_eq!(sent, ["one", "two", "three"]);
        assert!(super::lock(&buffer.state).frames.is_empty());
    }

    #[tokio::test]
    async fn a_body_above_the_limit_is_not_kept() {
        let buffer = ReplayBuffer::new(Body::new(Full::from(vec![7; BUFFER_SIZE + 1])));
        assert_eq!(collected(buffer.attempt()).await.len(), BUFFER_SIZE + 1);
        assert!(!buffer.is_complete());
    }
}
