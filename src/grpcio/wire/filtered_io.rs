//! A transport whose bytes pass through a filter.
//!
//! Some rules concern HTTP/2 frames that hyper and h2 handle on their own, so they have to see the
//! bytes below these libraries. This is the one implementation of [`AsyncRead`] and [`AsyncWrite`]
//! for them; everything that a filter does not change is passed on, including vectored writes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads from `transport` into `buffer`. Returns the new bytes: none at the end of the transport.
#[expect(clippy::inline_always, reason = "each read passes through several filters")]
#[inline(always)]
pub(crate) fn poll_read_new<'a, T: AsyncRead + Unpin>(
    transport: &mut T,
    cx: &mut Context<'_>,
    buffer: &'a mut ReadBuf<'_>,
) -> Poll<io::Result<&'a mut [u8]>> {
    let before = buffer.filled().len();
    ready!(Pin::new(transport).poll_read(cx, buffer))?;
    Poll::Ready(Ok(buffer.filled_mut().get_mut(before..).unwrap_or_default()))
}

/// Writes all of `bytes`, from which it removes what has been written.
pub(crate) fn poll_write_all<T: AsyncWrite + Unpin>(
    transport: &mut T,
    cx: &mut Context<'_>,
    bytes: &mut Vec<u8>,
) -> Poll<io::Result<()>> {
    while !bytes.is_empty() {
        let written = ready!(Pin::new(&mut *transport).poll_write(cx, bytes))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        bytes.drain(..written);
    }
    Poll::Ready(Ok(()))
}

/// What a rule changes of the bytes on a transport. By default nothing.
pub trait IoFilter {
    /// Reads from `transport` into `buffer`. A filter that sends frames of its own may write them, too.
    #[inline]
    fn poll_read<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = ready!(poll_read_new(transport, cx, buffer))?;
        if !bytes.is_empty() {
            self.received(bytes);
        }
        Poll::Ready(Ok(()))
    }

    /// Inspects, or changes in place, the bytes that have just been read.
    fn received(&mut self, _bytes: &mut [u8]) {}

    /// How many of the next `length` bytes to be written are discarded instead.
    fn discards(&mut self, _length: usize) -> usize {
        0
    }

    /// Inspects bytes that the transport has just taken.
    #[inline]
    fn written(&mut self, _bytes: &[u8]) {}

    /// Writes what the filter itself has to send now, before and after other bytes are written. Those
    /// have to wait while it is pending.
    #[inline]
    fn poll_send<T: AsyncWrite + Unpin>(
        &mut self,
        _transport: &mut T,
        _cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Notices whether the transport could not take the bytes that were just to be written, so that
    /// they have to wait.
    fn blocked(&mut self, _is_blocked: bool) {}

    /// Closes the writing side of `transport`.
    fn poll_shutdown<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(transport).poll_shutdown(cx)
    }
}

/// A transport behind a filter.
#[derive(Debug)]
pub struct FilteredIo<T, F> {
    transport: T,
    filter: F,
}

impl<T, F> FilteredIo<T, F> {
    /// Passes the bytes of `transport` through `filter`.
    pub fn new(transport: T, filter: F) -> Self {
        Self { transport, filter }
    }

    /// The filter.
    #[cfg(test)]
    pub(crate) fn filter_mut(&mut self) -> &mut F {
        &mut self.filter
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, F: IoFilter + Unpin> AsyncRead for FilteredIo<T, F> {
    #[expect(clippy::inline_always, reason = "each read passes through several filters")]
    #[inline(always)]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.filter.poll_read(&mut this.transport, cx, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin, F: IoFilter + Unpin> AsyncWrite for FilteredIo<T, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.filter.poll_send(&mut this.transport, cx))?;
        match this.filter.discards(bytes.len()) {
            0 => {
                let written = Pin::new(&mut this.transport).poll_write(cx, bytes);
                this.filter.blocked(written.is_pending());
                if let Poll::Ready(Ok(written)) = written {
                    this.filter.written(&bytes[..written]);
                    // If it is pending, it continues before the next write.
                    let _ = this.filter.poll_send(&mut this.transport, cx)?;
                }
                written
            }
            discarded => Poll::Ready(Ok(discarded)),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.filter.poll_send(&mut this.transport, cx))?;
        match this.filter.discards(slices.iter().map(|slice| slice.len()).sum()) {
            0 => {
                let written = Pin::new(&mut this.transport).poll_write_vectored(cx, slices);
                this.filter.blocked(written.is_pending());
                if let Poll::Ready(Ok(mut left)) = written {
                    for slice in slices {
                        let taken = slice.len().min(left);
                        left -= taken;
                        this.filter.written(&slice[..taken]);
                    }
                    // If it is pending, it continues before the next write.
                    let _ = this.filter.poll_send(&mut this.transport, cx)?;
                }
                written
            }
            discarded => Poll::Ready(Ok(discarded)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.filter.poll_send(&mut this.transport, cx))?;
        Pin::new(&mut this.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.filter.poll_shutdown(&mut this.transport, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{FilteredIo, IoFilter};
    use std::io::IoSlice;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    /// Makes what is read upper case, and discards the first bytes that are written.
    struct Shout {
        discarded: usize,
    }

    impl IoFilter for Shout {
        fn received(&mut self, bytes: &mut [u8]) {
            bytes.make_ascii_uppercase();
        }

        fn discards(&mut self, length: usize) -> usize {
            let discarded = self.discarded.min(length);
            self.discarded -= discarded;
            discarded
        }
    }

    #[tokio::test]
    async fn both_directions_pass_through_the_filter() {
        let (near, mut far) = duplex(64);
        let mut near = FilteredIo::new(near, Shout { discarded: 4 });
        far.write_all(b"read").await.expect("room");
        let mut read = [0; 4];
        near.read_exact(&mut read).await.expect("four bytes");
        assert_eq!(&read, b"READ");
        let slices = ["a", "b", "c"].map(|text| IoSlice::new(text.as_bytes()));
        assert_eq!(near.write_vectored(&slices).await.expect("room"), 3);
        near.write_all(b"dwritten").await.expect("room");
        drop(near);
        let mut written = String::new();
        far.read_to_string(&mut written).await.expect("text");
        assert_eq!(written, "written");
    }
}
