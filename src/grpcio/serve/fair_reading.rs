//! A client that sends much does not delay others, and does not make the server hold much.
//!
//! h2 reads a connection as long as there is something to read, so a client that floods it would keep
//! its thread busy while the calls of all other clients of the thread wait. tokio pauses, too, but
//! only after 128 reads. Reading therefore pauses, so that other tasks of the thread run in between.
//!
//! The calls that are read in a row are held until their tasks have run and their responses are
//! written, even if all of them are refused. So less is read while [memory is
//! scarce](ConnectionMemory::is_scarce), and nothing while many tasks have not run.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::grpcio::server::message_memory::ConnectionMemory;
use crate::grpcio::wire::filtered_io::{FilteredIo, IoFilter};

/// How many bytes are read in a row.
///
/// A smaller number would cost the sender of a large message more, and a larger one the others.
const IN_A_ROW: usize = 64 * 1024;

/// How many bytes are read in a row while memory is scarce: 35 of the smallest calls.
const IN_A_ROW_IF_SCARCE: usize = 512;

/// How many calls of a thread may wait for their task before no more are read.
const MAX_BACKLOG: usize = 512;

/// How many calls of a thread wait for their task to run for the first time. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog(Arc<AtomicUsize>);

impl Backlog {
    /// Adds a call.
    pub(super) fn add(&self) -> Waiting {
        // One thread serves all of these calls, so nothing is lost between the two.
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
        Waiting(self.clone())
    }

    fn is_long(&self) -> bool {
        self.0.load(Relaxed) > MAX_BACKLOG
    }
}

/// A call whose task has not run.
#[derive(Debug)]
pub(super) struct Waiting(Backlog);

impl Drop for Waiting {
    fn drop(&mut self) {
        let backlog = &self.0.0;
        backlog.store(backlog.load(Relaxed).saturating_sub(1), Relaxed);
    }
}

/// A transport that pauses.
pub(super) fn fair_reading<T>(
    transport: T,
    memory: ConnectionMemory,
    backlog: Backlog,
) -> FilteredIo<T, FairReading> {
    FilteredIo::new(transport, FairReading { memory, backlog, in_a_row: 0 })
}

/// Pauses reading after [`IN_A_ROW`] bytes, and while the backlog is long.
#[derive(Debug)]
pub(super) struct FairReading {
    memory: ConnectionMemory,
    backlog: Backlog,
    in_a_row: usize,
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
        if self.memory.is_scarce() {
            return self.poll_read_little(transport, cx, buffer);
        }
        if self.in_a_row >= IN_A_ROW || self.backlog.is_long() {
            return self.pause(cx);
        }
        let room = buffer.remaining();
        let polled = Pin::new(transport).poll_read(cx, buffer);
        self.count(polled, room - buffer.remaining())
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
        if self.in_a_row >= IN_A_ROW_IF_SCARCE || self.backlog.is_long() {
            return self.pause(cx);
        }
        let mut little = [0; IN_A_ROW_IF_SCARCE];
        let size = buffer.remaining().min(IN_A_ROW_IF_SCARCE - self.in_a_row);
        let mut part = ReadBuf::new(&mut little[..size]);
        let polled = Pin::new(transport).poll_read(cx, &mut part);
        buffer.put_slice(part.filled());
        self.count(polled, part.filled().len())
    }

    /// Continues when the other tasks that are ready have run.
    fn pause(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_a_row = 0;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    #[inline]
    fn count(&mut self, polled: Poll<io::Result<()>>, read: usize) -> Poll<io::Result<()>> {
        self.in_a_row = if polled.is_pending() { 0 } else { self.in_a_row + read };
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, IN_A_ROW, IN_A_ROW_IF_SCARCE, MAX_BACKLOG, fair_reading};
    use crate::grpcio::server::message_memory::{ConnectionMemory, MessageMemory};
    use bytes::Bytes;
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

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

    /// How many bytes a task reads before another task runs.
    async fn read_in_a_row(memory: &ConnectionMemory, backlog: &Backlog) -> usize {
        let mut transport = fair_reading(Flood, memory.clone(), backlog.clone());
        let mut read = 0;
        let mut part = [0; 4096];
        let reading = async {
            loop {
                read += transport.read(&mut part).await.expect("bytes");
            }
        };
        tokio::select! {
            biased;
            () = reading => {}
            () = async {} => {}
        }
        read
    }

    #[tokio::test]
    async fn reading_pauses_and_earlier_if_memory_is_scarce() {
        let memory = MessageMemory::new(0).connection();
        assert_eq!(read_in_a_row(&memory, &Backlog::default()).await, IN_A_ROW);
        let _response = memory.charge_response(Bytes::from(vec![0; MessageMemory::MIN]));
        assert_eq!(read_in_a_row(&memory, &Backlog::default()).await, IN_A_ROW_IF_SCARCE);
    }

    #[tokio::test]
    async fn nothing_is_read_while_many_tasks_have_not_run() {
        let (memory, backlog) = (ConnectionMemory::default(), Backlog::default());
        let mut waiting: Vec<_> = (0..=MAX_BACKLOG).map(|_| backlog.add()).collect();
        assert_eq!(read_in_a_row(&memory, &backlog).await, 0);
        waiting.pop();
        assert_eq!(read_in_a_row(&memory, &backlog).await, IN_A_ROW);
    }

    #[tokio::test]
    async fn reading_continues_after_a_pause() {
        for scarce in [false, true] {
            let memory = MessageMemory::new(0).connection();
            let size = if scarce { MessageMemory::MIN } else { 0 };
            let _response = memory.charge_response(Bytes::from(vec![0; size]));
            let mut transport = fair_reading(Flood, memory, Backlog::default());
            let mut all = vec![0; 3 * IN_A_ROW];
            assert_eq!(transport.read_exact(&mut all).await.expect("bytes"), 3 * IN_A_ROW);
        }
    }
}
