//! Notices which requests a client sent before it acknowledged the server's SETTINGS.
//!
//! Only the others does grpcio hold to the limits that the SETTINGS announce. hyper does not tell, so
//! the frames are watched on their way in; after the acknowledgement nothing is looked at any more.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Peer;
use crate::frame_header::{HEADERS, PREFACE, PartialHeader};

/// A transport whose incoming frames are watched until the SETTINGS are acknowledged.
#[derive(Debug)]
pub struct Handshake<T> {
    transport: T,
    peer: Peer,
    watch: Option<Watch>,
}

impl<T> Handshake<T> {
    /// Exempts from limits what `peer` sends before it has acknowledged the SETTINGS.
    pub fn new(transport: T, peer: Peer) -> Self {
        Self { transport, peer, watch: Some(Watch::default()) }
    }
}

/// How far the frames have been read.
#[derive(Debug)]
struct Watch {
    /// Bytes of the preface or a payload that come before the next frame's header.
    skip: usize,
    header: PartialHeader,
    last_stream: u32,
}

impl Default for Watch {
    fn default() -> Self {
        Self { skip: PREFACE.len(), header: PartialHeader::default(), last_stream: 0 }
    }
}

impl Watch {
    /// Whether the acknowledgement is in `bytes`, the next ones; `request` is told of each request
    /// before it.
    fn sees_acknowledgement(&mut self, mut bytes: &[u8], mut request: impl FnMut()) -> bool {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let (taken, frame) = self.header.take(bytes);
            bytes = &bytes[taken..];
            let Some(frame) = frame else { continue };
            if frame.acknowledges() {
                return true;
            }
            // Later HEADERS of a stream are its trailers.
            if frame.kind == HEADERS && frame.stream > self.last_stream {
                self.last_stream = frame.stream;
                request();
            }
            self.skip = frame.length;
        }
        false
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Handshake<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.transport).poll_read(cx, buffer);
        if let Some(watch) = &mut this.watch {
            let bytes = &buffer.filled()[before..];
            if watch.sees_acknowledgement(bytes, || this.peer.exempt_a_request()) {
                this.watch = None;
            }
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Handshake<T> {
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

#[cfg(test)]
mod tests {
    use super::Watch;
    use crate::frame_header::PREFACE;

    fn frames() -> Vec<u8> {
        let mut bytes = PREFACE.to_vec();
        bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0]); // SETTINGS
        bytes.extend([4, 1, 4, 1, 4, 1]); // whose payload looks like an acknowledgement
        bytes.extend([0, 0, 2, 1, 4, 0, 0, 0, 1, 4, 1]); // HEADERS of stream 1
        bytes.extend([0, 0, 0, 1, 5, 0, 0, 0, 1]); // and its trailers
        bytes.extend([0, 0, 0, 1, 5, 0, 0, 0, 3]); // HEADERS of stream 3
        bytes.extend([0, 0, 0, 4, 1, 0, 0, 0, 0]); // the acknowledgement
        bytes
    }

    #[test]
    fn an_acknowledgement_is_seen_at_its_end_however_it_is_cut() {
        let frames = frames();
        for size in 1..=frames.len() {
            let (mut watch, mut requests) = (Watch::default(), 0);
            let mut watched = |chunk| watch.sees_acknowledgement(chunk, || requests += 1);
            let seen: Vec<_> = frames.chunks(size).map(&mut watched).collect();
            let (last, before) = seen.split_last().expect("chunks");
            assert!(*last && before.iter().all(|seen| !seen), "in chunks of {size}");
            assert_eq!(requests, 2, "in chunks of {size}");
        }
    }
}
