//! The authority that grpcio's clients send to a Unix socket: its path, with `%2F` for a slash.
//!
//! h2 takes that for no authority at all and resets the stream; a server of grpcio does not mind. So
//! the percent signs are replaced on their way in, before HPACK is decoded: a byte for a byte, which
//! leaves all lengths and the decoder's table as they were.
//!
//! [`header_blocks`](super::header_blocks) finds the fields among the frames, and
//! [`hpack_field`](super::hpack_field) the authority among the fields.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::header_blocks::HeaderBlocks;

/// A transport of a server through which such an authority arrives as a legal one.
#[derive(Debug)]
pub struct LegalAuthority<T> {
    transport: T,
    /// `None` leaves everything as it is.
    repair: Option<HeaderBlocks>,
}

impl<T> LegalAuthority<T> {
    /// Watches for such authorities if the transport `is_unix`.
    pub fn new(transport: T, is_unix: bool) -> Self {
        Self { transport, repair: is_unix.then(HeaderBlocks::default) }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for LegalAuthority<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.transport).poll_read(cx, buffer);
        if let Some(repair) = &mut this.repair {
            repair.look_at(&mut buffer.filled_mut()[before..]);
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for LegalAuthority<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
