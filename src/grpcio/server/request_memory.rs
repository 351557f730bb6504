//! The memory of the message that a call is receiving.
//!
//! All of it is reserved as soon as its length is known, so that a message that has been started can
//! also be finished: if messages reserved memory as they grow, many of them at once would block each
//! other. Until then the rest is not read, so that the client gets no more flow-control window.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::message_memory::{Charge, ConnectionMemory, Demand, MAX_WAIT, SMALL, Waiting};

/// The memory of the message that a call is receiving.
#[derive(Debug)]
pub(super) struct RequestMemory {
    /// `None` once the message is complete.
    connection: Option<ConnectionMemory>,
    /// `None` for a small message.
    large: Option<Box<LargeMessage>>,
}

#[derive(Debug)]
struct LargeMessage {
    held: Option<Charge>,
    waiting: Option<Box<Waiting>>,
    /// When to check whether the message has grown.
    check: Pin<Box<Sleep>>,
    /// How many bytes had been received at the last check.
    received: usize,
}

impl RequestMemory {
    pub(super) fn new(connection: ConnectionMemory) -> Self {
        Self { connection: Some(connection), large: None }
    }

    /// Waits until `bytes` are reserved.
    pub(super) fn poll_reserve(
        &mut self,
        cx: &mut Context<'_>,
        bytes: usize,
    ) -> Poll<Result<(), Status>> {
        if bytes <= SMALL {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_waiting(cx))?;
        let large = self.large.get_or_insert_with(|| {
            let check = Box::pin(sleep(MAX_WAIT));
            Box::new(LargeMessage { held: None, waiting: None, check, received: 0 })
        });
        let held = large.held.as_ref().map_or(0, Charge::bytes);
        if bytes <= held {
            return Poll::Ready(Ok(()));
        }
        let Some(connection) = &self.connection else { return Poll::Ready(Ok(())) };
        match connection.receive(bytes - held)? {
            Ok(charge) => large.keep(charge),
            Err(waiting) => large.waiting = Some(waiting),
        }
        self.poll_waiting(cx)
    }

    /// Waits as long as a reservation waits.
    #[inline]
    pub(super) fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        match &mut self.large {
            None => Poll::Ready(Ok(())),
            Some(large) => large.poll_waiting(cx),
        }
    }

    /// Waits for the client, of whose message this many bytes have been received. If others wait for
    /// memory meanwhile and the message hardly grows, it is given up.
    pub(super) fn poll_stalled(&mut self, cx: &mut Context<'_>, received: usize) -> Poll<Status> {
        let (Some(large), Some(connection)) = (&mut self.large, &self.connection) else {
            return Poll::Pending;
        };
        loop {
            ready!(large.check.as_mut().poll(cx));
            if received < large.received + SMALL && connection.is_awaited() {
                let held = Demand::Message(large.held.as_ref().map_or(0, Charge::bytes));
                let why = format!("other calls wait, and less than {SMALL} bytes arrived in 20 s");
                return Poll::Ready(connection.exhausted(held, &why));
            }
            large.received = received;
            large.check = Box::pin(sleep(MAX_WAIT));
        }
    }

    /// What the message holds, if it is large. The next one starts with nothing.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Charge> {
        self.large.take()?.held
    }

    /// The memory of the connection, at the end of the only message.
    #[inline]
    pub(super) fn take_connection(&mut self) -> Option<ConnectionMemory> {
        self.connection.take()
    }
}

impl LargeMessage {
    #[cold]
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(Ok(())) };
        let charge = ready!(Pin::new(waiting).poll(cx));
        self.waiting = None;
        self.keep(charge?);
        self.check = Box::pin(sleep(MAX_WAIT));
        Poll::Ready(Ok(()))
    }

    fn keep(&mut self, more: Charge) {
        match &mut self.held {
            Some(held) => held.absorb(more),
            held => *held = Some(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RequestMemory;
    use crate::grpcio::server::message_memory::{MAX_WAIT, MessageMemory, SMALL};
    use std::future::poll_fn;
    use tokio::time::{Instant, timeout};

    const MIB: usize = 1024 * 1024;

    fn two() -> (RequestMemory, RequestMemory) {
        let memory = MessageMemory::new(8 * MIB);
        (RequestMemory::new(memory.connection()), RequestMemory::new(memory.connection()))
    }

    async fn reserve(memory: &mut RequestMemory, bytes: usize) {
        poll_fn(|cx| memory.poll_reserve(cx, bytes)).await.expect("memory");
    }

    #[tokio::test]
    async fn a_small_message_is_not_counted_and_a_large_one_once() {
        let (mut one, mut other) = two();
        reserve(&mut one, 4 * MIB).await;
        reserve(&mut one, 4 * MIB).await;
        reserve(&mut other, SMALL).await;
        assert!(other.take().is_none());
        let charge = one.take().map_or(0, |charge| charge.bytes());
        assert_eq!(charge, 4 * MIB);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_does_not_grow_is_given_up_only_if_others_wait() {
        let (mut stalled, mut other) = two();
        reserve(&mut stalled, 4 * MIB).await;
        let wait = poll_fn(|cx| stalled.poll_stalled(cx, SMALL));
        timeout(MAX_WAIT * 19 / 2, wait).await.expect_err("nobody waits");
        let start = Instant::now();
        let gives_up = async {
            let status = poll_fn(|cx| stalled.poll_stalled(cx, 2 * SMALL - 1)).await;
            drop(stalled.take());
            status
        };
        // The check comes before its own wait ends.
        let both = async { tokio::join!(gives_up, reserve(&mut other, 4 * MIB)) };
        let (status, ()) = timeout(MAX_WAIT, both).await.expect("it is given up");
        assert!(status.message().contains("less than 4096 bytes arrived in 20 s"), "{status}");
        assert_eq!(start.elapsed(), MAX_WAIT / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_grows_is_not_given_up() {
        let (mut growing, mut other) = two();
        reserve(&mut growing, 4 * MIB).await;
        let start = Instant::now();
        let grows = poll_fn(|cx| {
            let seconds = usize::try_from(start.elapsed().as_secs()).unwrap_or_default();
            growing.poll_stalled(cx, seconds / 20 * SMALL)
        });
        let waits = async {
            for _ in 0..5 {
                let _ = poll_fn(|cx| other.poll_reserve(cx, 4 * MIB)).await;
                other = RequestMemory::new(other.take_connection().expect("a connection"));
            }
        };
        tokio::select! {
            status = grows => panic!("{status}"),
            () = waits => {}
        }
    }
}
