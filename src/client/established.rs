//! A connection on which HTTP/2 has begun, for a library that wants to begin it itself.
//!
//! Only what was said twice is taken out; afterwards bytes go through untouched.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::frame_header::{self, FrameHeader, PREFACE};

/// A connection that has begun, for an HTTP/2 library that believes it begins it: the preface that it
/// writes is dropped, and so is the acknowledgement of SETTINGS that it has not sent.
#[derive(Debug)]
pub struct Established<IO> {
    io: IO,
    /// What has come and is not given on yet.
    received: BytesMut,
    /// How much of `received`, or of what comes next, belongs to a frame that has been looked at.
    inspected: usize,
    seeks_acknowledgement: bool,
    /// How much of the preface the library has still to write.
    unwritten: usize,
}

impl<IO> Established<IO> {
    /// `received` is what has come and still has the acknowledgement in it, or not.
    pub(super) fn new(io: IO, received: BytesMut, seeks_acknowledgement: bool) -> Self {
        let unwritten = PREFACE.len();
        Self { io, received, inspected: 0, seeks_acknowledgement, unwritten }
    }

    /// Takes the acknowledgement out of what has come, and tells how much can be given on: while it
    /// is sought, not the beginning of a frame's header.
    fn ready(&mut self) -> usize {
        while self.seeks_acknowledgement && self.inspected < self.received.len() {
            let Some(frame) = FrameHeader::read(&self.received[self.inspected..]) else {
                return self.inspected;
            };
            if frame.acknowledges() && frame.length == 0 {
                let behind = self.received.split_off(self.inspected + frame_header::LENGTH);
                self.received.truncate(self.inspected);
                self.received.unsplit(behind);
                self.seeks_acknowledgement = false;
            } else {
                self.inspected = self.inspected.saturating_add(frame_header::LENGTH + frame.length);
            }
        }
        self.received.len()
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Established<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let ready = this.ready().min(buffer.remaining());
            if ready > 0 {
                buffer.put_slice(&this.received.split_to(ready));
                this.inspected = this.inspected.saturating_sub(ready);
                return Poll::Ready(Ok(()));
            }
            if !this.seeks_acknowledgement {
                return Pin::new(&mut this.io).poll_read(cx, buffer);
            }
            let mut chunk = [0; 4096];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                // The end, also in the middle of a frame.
                return Poll::Ready(Ok(()));
            }
            this.received.extend_from_slice(chunk.filled());
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Established<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.unwritten > 0 {
            let dropped = self.unwritten.min(bytes.len());
            self.unwritten -= dropped;
            return Poll::Ready(Ok(dropped));
        }
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.unwritten > 0 {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(cx, first.map_or(&[][..], |slice| slice));
        }
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use crate::client::handshake::{EMPTY_SETTINGS, begin};
    use crate::frame_header::PREFACE;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const ACKNOWLEDGEMENT: &[u8] = &[0, 0, 0, 4, 1, 0, 0, 0, 0];
    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0pingpong";

    #[tokio::test]
    async fn the_library_sees_a_connection_that_nobody_has_used() {
        let first = [&EMPTY_SETTINGS, PING].concat();
        let late = [&first, ACKNOWLEDGEMENT, PING, ACKNOWLEDGEMENT].concat();
        let early = [ACKNOWLEDGEMENT, &first, PING, ACKNOWLEDGEMENT].concat();
        let cuts = (1..late.len()).flat_map(|cut| [(&late, cut), (&early, cut)]);
        for (sent, cut) in cuts {
            let (client, mut server) = duplex(1024);
            let (front, back) = sent.split_at(cut);
            let serve = async {
                server.write_all(front).await.expect("room");
                let mut preface = [0; PREFACE.len() + EMPTY_SETTINGS.len()];
                server.read_exact(&mut preface).await.expect("a preface");
                server.write_all(back).await.expect("room");
                server
            };
            let (client, server) = tokio::join!(begin(client), serve);
            let mut client = client.expect("SETTINGS have come");
            client.write_all(&[PREFACE, b"frames"].concat()).await.expect("room");
            drop(server);
            let mut received = Vec::new();
            client.read_to_end(&mut received).await.expect("all there");
            assert_eq!(received, [&first, PING, ACKNOWLEDGEMENT].concat(), "cut at {cut}");
        }
    }
}
