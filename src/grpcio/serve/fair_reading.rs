//! A client that sends much does not delay others, and does not make the server hold much.
//!
//! h2 reads a connection as long as there is something to read, so a client that floods it would keep
//! its thread busy while the calls of all other clients of the thread wait. tokio pauses, too, but
//! only after 128 reads. Reading therefore pauses, so that other tasks of the thread run in between.
//! hyper tries to read again after each call that it has accepted, so a pause lasts until the task of
//! the connection runs again.
//!
//! The calls that are read in a row are held until their tasks have run and their responses are
//! written, even if all of them are refused. So nothing is read while many tasks have not run. While
//! [memory is scarce](ConnectionMemory::is_scarce), less is read, and nothing from a client that does
//! not read itself.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::grpcio::server::message_memory::ConnectionMemory;
use crate::grpcio::wire::filtered_io::{FilteredIo, IoFilter};

/// How many bytes are read while the task of a connection runs once.
///
/// A smaller number would cost the sender of a large message more, and a larger one the others.
const AT_ONCE: usize = 64 * 1024;

/// The same while memory is scarce: 35 of the smallest calls.
const AT_ONCE_IF_SCARCE: usize = 512;

/// How long a client may not read, while memory is scarce, before its connection is closed. It may
/// itself wait until it can write, and would never read again otherwise.
const MAX_BLOCKED: Duration = Duration::from_secs(20);

/// How often to look whether it reads again.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// How many calls of a thread may wait for their task before no more are read.
const MAX_BACKLOG: usize = 2_048;

/// Counts how often the task of a connection has run. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs(Arc<AtomicUsize>);

impl Runs {
    /// Counts the runs of the task that polls `future`.
    pub(super) fn count<F: Future>(self, future: F) -> CountedRuns<F> {
        CountedRuns { future, runs: self }
    }
}

pin_project! {
    /// A future whose runs are counted.
    #[derive(Debug)]
    pub(super) struct CountedRuns<F> {
        #[pin]
        future: F,
        runs: Runs,
    }
}

impl<F: Future> Future for CountedRuns<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let runs = &this.runs.0;
        runs.store(runs.load(Relaxed).wrapping_add(1), Relaxed);
        this.future.poll(cx)
    }
}

/// How many calls of a thread wait for their task to run for the first time. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog(Arc<AtomicUsize>);

impl Backlog {
    // One thread serves all of these calls, so nothing is lost between loading and storing.

    /// Adds a call.
    pub(super) fn add(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    /// The task of a call has run, or has ended before.
    pub(super) fn remove(&self) {
        self.0.store(self.0.load(Relaxed).saturating_sub(1), Relaxed);
    }

    /// How many calls wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.load(Relaxed)
    }

    fn is_long(&self) -> bool {
        self.0.load(Relaxed) > MAX_BACKLOG
    }
}

/// A transport that pauses.
pub(super) fn fair_reading<T>(
    transport: T,
    memory: ConnectionMemory,
    backlog: Backlog,
    runs: Runs,
) -> FilteredIo<T, FairReading> {
    let (is_blocked, blocked) = (false, None);
    let filter = FairReading { memory, backlog, runs, run: 0, read: 0, is_blocked, blocked };
    FilteredIo::new(transport, filter)
}

/// Pauses reading after [`AT_ONCE`] bytes, and while the backlog is long.
#[derive(Debug)]
pub(super) struct FairReading {
    memory: ConnectionMemory,
    backlog: Backlog,
    runs: Runs,
    /// The last run of the task, and how many bytes were read in it.
    run: usize,
    read: usize,
    /// Whether the client does not read.
    is_blocked: bool,
    blocked: Option<Blocked>,
}

/// A client that does not read while memory is scarce.
#[derive(Debug)]
struct Blocked {
    end: Instant,
    check: Pin<Box<Sleep>>,
}

impl IoFilter for FairReading {
    #[expect(clippy::inline_always, reason = "h2 reads several times for each call")]
    #[inline(always)]
    fn poll_read<T: AsyncRead + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let run = self.runs.0.load(Relaxed);
        if run != self.run {
            self.run = run;
            self.read = 0;
        }
        if self.memory.is_scarce() {
            return self.poll_read_little(transport, cx, buffer);
        }
        if self.read >= AT_ONCE || self.backlog.is_long() {
            return pause(cx);
        }
        let room = buffer.remaining();
        let polled = Pin::new(transport).poll_read(cx, buffer);
        self.read += room - buffer.remaining();
        polled
    }

    #[inline]
    fn blocked(&mut self, is_blocked: bool) {
        self.is_blocked = is_blocked;
    }
}

impl FairReading {
    #[cold]
    fn poll_read_little<T: AsyncRead + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read >= AT_ONCE_IF_SCARCE || self.backlog.is_long() {
            return pause(cx);
        }
        if self.is_blocked {
            ready!(self.poll_blocked(cx))?;
        }
        self.blocked = None;
        let mut little = [0; AT_ONCE_IF_SCARCE];
        let size = buffer.remaining().min(AT_ONCE_IF_SCARCE - self.read);
        let mut part = ReadBuf::new(&mut little[..size]);
        let polled = Pin::new(transport).poll_read(cx, &mut part);
        buffer.put_slice(part.filled());
        self.read += part.filled().len();
        polled
    }

    /// Waits as long as the client may not read, which is then an error.
    fn poll_blocked(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let blocked = self.blocked.get_or_insert_with(|| Blocked {
            end: Instant::now() + MAX_BLOCKED,
            check: Box::pin(sleep(CHECK_INTERVAL)),
        });
        while blocked.check.as_mut().poll(cx).is_ready() {
            if Instant::now() >= blocked.end {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            blocked.check.as_mut().reset(Instant::now() + CHECK_INTERVAL);
        }
        Poll::Pending
    }
}

/// Continues when the other tasks that are ready have run.
fn pause(cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use super::{
        AT_ONCE, AT_ONCE_IF_SCARCE, Backlog, MAX_BACKLOG, MAX_BLOCKED, Runs, fair_reading,
    };
    use crate::grpcio::server::message_memory::{ConnectionMemory, MessageMemory};
    use crate::grpcio::wire::filtered_io::IoFilter;
    use bytes::Bytes;
    use std::future::poll_fn;
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf, join, sink};
    use tokio::time::{Instant, timeout};

    /// Always has something to read.
    struct Flood;

    impl AsyncRead for Flood {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            buffer.initialize_unfilled();
            buffer.set_filled(buffer.capacity());
            Poll::Ready(Ok(()))
        }
    }

    /// How many bytes are read in each of the first two runs of a task.
    async fn read_at_once(memory: &ConnectionMemory, backlog: &Backlog) -> [usize; 2] {
        let runs = Runs::default();
        let mut transport =
            fair_reading(join(Flood, sink()), memory.clone(), backlog.clone(), runs.clone());
        let (mut read, mut part) = (Vec::new(), [0; 4096]);
        let reading = poll_fn(|cx| {
            let mut all = 0;
            // Tries again, as hyper does.
            for _ in 0..100 {
                let mut buffer = ReadBuf::new(&mut part);
                let _ = Pin::new(&mut transport).poll_read(cx, &mut buffer);
                all += buffer.filled().len();
            }
            read.push(all);
            if read.len() < 2 { Poll::Pending } else { Poll::Ready(()) }
        });
        timeout(MAX_BLOCKED, runs.count(reading)).await.expect("reading continues after a pause");
        [read[0], read[1]]
    }

    #[tokio::test]
    async fn reading_pauses_and_earlier_if_memory_is_scarce() {
        let memory = MessageMemory::new(0).connection();
        assert_eq!(read_at_once(&memory, &Backlog::default()).await, [AT_ONCE; 2]);
        let _response = memory.charge_response(Bytes::from(vec![0; MessageMemory::MIN]));
        assert_eq!(read_at_once(&memory, &Backlog::default()).await, [AT_ONCE_IF_SCARCE; 2]);
    }

    #[tokio::test]
    async fn nothing_is_read_while_many_tasks_have_not_run() {
        let (memory, backlog) = (ConnectionMemory::default(), Backlog::default());
        (0..=MAX_BACKLOG).for_each(|_| backlog.add());
        assert_eq!(read_at_once(&memory, &backlog).await, [0; 2]);
        backlog.remove();
        assert_eq!(read_at_once(&memory, &backlog).await, [AT_ONCE; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_not_read_if_memory_is_scarce() {
        for (scarce, reads_again) in [(false, false), (true, false), (true, true)] {
            let memory = MessageMemory::new(0).connection();
            let size = if scarce { MessageMemory::MIN } else { 0 };
            let _response = memory.charge_response(Bytes::from(vec![0; size]));
            let mut transport =
                fair_reading(join(Flood, sink()), memory, Backlog::default(), Runs::default());
            transport.filter_mut().blocked(true);
            let (start, mut part) = (Instant::now(), [0; 16]);
            let read = timeout(MAX_BLOCKED / 2, transport.read(&mut part)).await;
            assert_eq!(read.is_ok(), !scarce);
            transport.filter_mut().blocked(!reads_again);
            let read = transport.read(&mut part).await;
            assert_eq!(read.is_ok(), !scarce || reads_again);
            assert!(read.is_ok() || start.elapsed() >= MAX_BLOCKED);
        }
    }
}
