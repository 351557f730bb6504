//! Dropping a call resets its stream at once, even if the server does not read its requests.
//!
//! hyper sends the body of a request in a task of its own, which waits for the server to read, and
//! h2 resets a stream only when no task holds it. Therefore dropping the call ends that task. The
//! body finds out which task it is, because it is polled by it.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, SizeHint};
use tokio_util::sync::CancellationToken;

use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};

tokio::task_local! {
    /// The current task of hyper.
    static TASK: Task;
}

#[derive(Clone, Debug, Default)]
struct Task {
    end: CancellationToken,
    /// The task starts calls, so it belongs to a connection and not to one call.
    starts_calls: Arc<AtomicBool>,
}

/// Runs the tasks of a channel so that a call can end its own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let task = Task::default();
        let end = task.end.clone();
        tokio::spawn(TASK.scope(task, async move {
            tokio::select! {
                biased;
                () = end.cancelled() => {}
                () = future => {}
            }
        }));
    }
}

/// The task that sends the requests of a call, once there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestTask(Arc<Mutex<Option<CancellationToken>>>);

impl RequestTask {
    /// Sets the current task, unless it belongs to a connection.
    fn set_current(&self) {
        let _ = TASK.try_with(|task| {
            if !task.starts_calls.load(Ordering::Relaxed) {
                *self.lock() = Some(task.end.clone());
            }
        });
    }

    pub(super) fn end(&self) {
        if let Some(task) = self.lock().take() {
            task.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores the task that sends `body` in `task`.
pub(super) fn track_task<B: Body>(body: B, task: RequestTask) -> FilteredBody<B, TaskFilter<B>> {
    FilteredBody::new(body, TaskFilter { task, polls: 0, read_ahead: VecDeque::new() })
}

/// Finds out which task polls the body.
///
/// hyper polls a body for the first time in the task of the connection, and creates another task
/// only if the body has not ended by then. So a body with more than one frame first pretends to
/// have none.
pub(super) struct TaskFilter<B: Body> {
    task: RequestTask,
    polls: u8,
    /// What has been polled but not returned yet.
    read_ahead: VecDeque<PolledFrame<B::Error>>,
}

impl<B: Body<Data = Bytes> + Unpin> TaskFilter<B> {
    /// Returns the only frame of a body with one frame.
    fn poll_first(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        let _ = TASK.try_with(|task| task.starts_calls.store(true, Ordering::Relaxed));
        let first = ready!(body.poll_frame(cx));
        if !matches!(first, Some(Ok(_))) {
            return Poll::Ready(first);
        }
        match body.poll_frame(cx) {
            Poll::Ready(None) => {
                self.read_ahead.push_back(None);
                return Poll::Ready(first);
            }
            Poll::Ready(second) => self.read_ahead.extend([first, second]),
            Poll::Pending => self.read_ahead.push_back(first),
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<B> BodyFilter<B> for TaskFilter<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Unpin,
{
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        self.polls = self.polls.saturating_add(1);
        match self.polls {
            1 => return self.poll_first(body, cx),
            2 => self.task.set_current(),
            _ => {}
        }
        match self.read_ahead.pop_front() {
            Some(frame) => Poll::Ready(frame),
            None => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self, body: &B) -> bool {
        self.read_ahead.is_empty() && body.is_end_stream()
    }

    /// Frames that have been polled but not returned are missing in the size of `body`.
    fn size_hint(&self, _: &B) -> SizeHint {
        SizeHint::default()
    }
}
