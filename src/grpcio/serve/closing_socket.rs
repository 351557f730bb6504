//! Closes a socket so that the client receives everything that was written to it.
//!
//! A socket that is closed while the client still sends, for example WINDOW_UPDATE, is reset by the
//! kernel, which discards what it has not delivered yet. The end of a long response would be lost.
//! Therefore a connection whose calls have just ended reads, and ignores, what the client sends
//! until the client has closed its side.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::grpcio::wire::filtered_io::{FilteredIo, IoFilter};

/// A client that has sent nothing for this time does not cause a reset.
const SILENCE: Duration = Duration::from_secs(1);

/// The time after which a client that continues to send is not awaited any more.
const LIMIT: Duration = Duration::from_secs(30);

/// What the owner of a connection knows of its socket, and can ask of it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SocketState(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    is_blocked: AtomicBool,
    has_received: AtomicBool,
    lingers: AtomicBool,
    is_closing: AtomicBool,
}

impl SocketState {
    /// Whether bytes wait to be written because the client does not read.
    pub(super) fn is_blocked(&self) -> bool {
        self.0.is_blocked.load(Ordering::Relaxed)
    }

    /// Whether the socket is waiting for the client to close its side.
    pub(super) fn is_closing(&self) -> bool {
        self.0.is_closing.load(Ordering::Relaxed)
    }

    /// Whether the client has sent anything since the last time.
    pub(super) fn take_received(&self) -> bool {
        self.0.has_received.swap(false, Ordering::Relaxed)
    }

    /// Sets whether the socket waits, when it is closed, until the client has received everything.
    pub(super) fn set_linger(&self, lingers: bool) {
        self.0.lingers.store(lingers, Ordering::Relaxed);
    }
}

/// A socket that can wait for the client when it is closed.
pub(super) fn closing_socket<T>(socket: T, state: SocketState) -> FilteredIo<T, ClosingSocket> {
    FilteredIo::new(socket, ClosingSocket { state, was_blocked: false, closing: None })
}

/// Notices whether writing is blocked, and waits for the client at the end.
#[derive(Debug)]
pub(super) struct ClosingSocket {
    state: SocketState,
    was_blocked: bool,
    closing: Option<Closing>,
}

#[derive(Debug)]
struct Closing {
    silence: Pin<Box<Sleep>>,
    end: Instant,
}

impl IoFilter for ClosingSocket {
    #[expect(clippy::inline_always, reason = "h2 reads several times for each call")]
    #[inline(always)]
    fn poll_read<T: AsyncRead + Unpin>(
        &mut self,
        socket: &mut T,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.remaining();
        let polled = Pin::new(socket).poll_read(cx, buffer);
        if buffer.remaining() < room {
            self.state.0.has_received.store(true, Ordering::Relaxed);
        }
        polled
    }

    #[inline]
    fn blocked(&mut self, is_blocked: bool) {
        if is_blocked != self.was_blocked {
            self.was_blocked = is_blocked;
            self.state.0.is_blocked.store(is_blocked, Ordering::Relaxed);
        }
    }

    fn poll_shutdown<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        socket: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut *socket).poll_shutdown(cx))?;
            if !self.state.0.lingers.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
            self.state.0.is_closing.store(true, Ordering::Relaxed);
        }
        let closing = self.closing.get_or_insert_with(|| Closing {
            silence: Box::pin(sleep(SILENCE)),
            end: Instant::now() + LIMIT,
        });
        let mut ignored = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut ignored);
            match Pin::new(&mut *socket).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let silence = (Instant::now() + SILENCE).min(closing.end);
                    closing.silence.as_mut().reset(silence);
                    // A client that sends faster than this reads does not delay the end.
                    if Instant::now() >= closing.end {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(closing.silence.as_mut().poll(cx));
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, SILENCE, SocketState, closing_socket};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, sleep};

    /// Closes a socket whose client sends a byte every `pause`, `times` times, and then closes its
    /// side if it `closes`. Returns how long that took.
    async fn close(state: SocketState, pause: Duration, times: u32, closes: bool) -> Duration {
        let (near, mut far) = duplex(64);
        let mut socket = closing_socket(near, state);
        let client = tokio::spawn(async move {
            assert_eq!(far.read(&mut [0]).await.expect("the end"), 0);
            for _ in 0..times {
                sleep(pause).await;
                let _ = far.write_all(b"x").await;
            }
            if !closes {
                sleep(10 * LIMIT).await;
            }
        });
        let start = Instant::now();
        socket.shutdown().await.expect("no error");
        client.abort();
        start.elapsed()
    }

    fn lingering() -> SocketState {
        let state = SocketState::default();
        state.set_linger(true);
        state
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_still_sends_is_awaited_until_it_closes() {
        let pause = SILENCE / 2;
        assert_eq!(close(SocketState::default(), pause, 8, true).await, Duration::ZERO);
        let state = lingering();
        assert_eq!(close(state.clone(), pause, 8, true).await, 8 * pause);
        assert!(state.is_closing());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_not_awaited_for_long() {
        assert_eq!(close(lingering(), SILENCE / 2, 3, false).await, SILENCE * 5 / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_for_ever_is_not_awaited_for_ever() {
        assert_eq!(close(lingering(), SILENCE / 2, u32::MAX, false).await, LIMIT);
    }

    #[tokio::test]
    async fn a_full_socket_is_noticed() {
        let (near, mut far) = duplex(4);
        let state = SocketState::default();
        let mut socket = closing_socket(near, state.clone());
        assert_eq!(socket.write(b"12345678").await.expect("room"), 4);
        assert!(!state.is_blocked());
        let mut second = is_pending(socket.write(b"5678"));
        assert!(second && state.is_blocked());
        far.read_exact(&mut [0; 4]).await.expect("four bytes");
        second = is_pending(socket.write(b"5678"));
        assert!(!second && !state.is_blocked());
    }

    /// Whether the future is pending.
    fn is_pending<F: Future>(future: F) -> bool {
        let mut future = std::pin::pin!(future);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        future.as_mut().poll(&mut cx).is_pending()
    }
}
