//! The beginning of a connection: HTTP/2's preface, and the wait for the server's SETTINGS.
//!
//! tonic takes a connection for made as soon as TCP is, and sends calls into it. For grpcio it is
//! made when the server has spoken HTTP/2, so that a proxy that answers in HTTP/1.1, or somebody who
//! accepts and says nothing, is a server that cannot be reached and not a call that broke.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// What a client says first, before its SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const EMPTY_SETTINGS: [u8; HEADER] = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];

/// The length of a frame's header.
const HEADER: usize = 9;

/// The longest payload that a server may send to a client that has not allowed more.
const LONGEST_PAYLOAD: usize = 16_384;

/// How long to wait for what a server says right behind its SETTINGS, mostly the acknowledgement.
const BREATH: Duration = Duration::from_millis(2);

const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

/// Why there is no connection although TCP has one.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("Socket closed")]
    Closed,
    #[error(
        "Expected SETTINGS frame as the first frame, got other bytes: the server does not speak HTTP/2 here"
    )]
    NotHttp2,
    /// The server wants no calls on this connection; the next one may be another matter.
    #[error("GOAWAY received before the first call")]
    GoingAway,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The header of a frame.
struct FrameHeader {
    length: usize,
    kind: u8,
    flags: u8,
}

impl FrameHeader {
    /// The header that `bytes` begin with, if they are enough of them.
    fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, ..] = *bytes.first_chunk::<HEADER>()?;
        let length = u32::from_be_bytes([0, a, b, c]);
        Some(Self { length: usize::try_from(length).unwrap_or(usize::MAX), kind, flags })
    }

    fn is_settings(&self) -> bool {
        self.kind == SETTINGS && self.flags & ACK == 0 && self.length.is_multiple_of(6)
    }

    fn is_acknowledgement(&self) -> bool {
        self.kind == SETTINGS && self.flags & ACK != 0 && self.length == 0
    }
}

/// Sends the preface and waits for the server's SETTINGS.
pub(super) async fn begin<IO>(mut io: IO) -> Result<Established<IO>, HandshakeError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    io.write_all(&[PREFACE, &EMPTY_SETTINGS].concat()).await?;
    io.flush().await?;
    let mut received = BytesMut::new();
    let mut seeks_acknowledgement = true;
    loop {
        match FrameHeader::read(&received) {
            // It should come later, and grpcio does not mind.
            Some(first) if first.is_acknowledgement() && seeks_acknowledgement => {
                received.advance(HEADER);
                seeks_acknowledgement = false;
                continue;
            }
            Some(first) if !first.is_settings() || first.length > LONGEST_PAYLOAD => {
                return Err(HandshakeError::NotHttp2);
            }
            Some(first) if received.len() >= HEADER + first.length => break,
            _ => {}
        }
        if io.read_buf(&mut received).await? == 0 {
            // Fewer bytes than a frame's header may be the beginning of anything.
            return Err(HandshakeError::Closed);
        }
    }
    // A GOAWAY that was sent in the same breath may come in a packet of its own.
    let next = tokio::time::timeout(BREATH, io.read_buf(&mut received)).await;
    next.unwrap_or(Ok(0))?;
    if says_goodbye(&received) {
        return Err(HandshakeError::GoingAway);
    }
    Ok(Established { io, received, inspected: 0, seeks_acknowledgement, unwritten: PREFACE.len() })
}

/// Whether a GOAWAY has come right behind the SETTINGS.
fn says_goodbye(mut received: &[u8]) -> bool {
    while let Some(frame) = FrameHeader::read(received) {
        if frame.kind == GOAWAY {
            return true;
        }
        received = received.get(HEADER + frame.length..).unwrap_or_default();
    }
    false
}

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
    /// Takes the acknowledgement out of what has come, and tells how much can be given on: while it
    /// is sought, not the beginning of a frame's header.
    fn ready(&mut self) -> usize {
        while self.seeks_acknowledgement && self.inspected < self.received.len() {
            let Some(frame) = FrameHeader::read(&self.received[self.inspected..]) else {
                return self.inspected;
            };
            if frame.is_acknowledgement() {
                let behind = self.received.split_off(self.inspected + HEADER);
                self.received.truncate(self.inspected);
                self.received.unsplit(behind);
                self.seeks_acknowledgement = false;
            } else {
                self.inspected = self.inspected.saturating_add(HEADER + frame.length);
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
    use super::{EMPTY_SETTINGS, HandshakeError, PREFACE, begin};
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

    #[tokio::test]
    async fn whoever_does_not_begin_with_settings_is_no_server() {
        let other: &[(&[u8], bool)] = &[
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", false),
            (PING, false),
            // Too short to tell.
            (b"\x15\x03\x03\0\x02\x02\x28", true),
            (b"", true),
        ];
        for (sent, is_closed) in other {
            let (client, mut server) = duplex(1024);
            server.write_all(sent).await.expect("room");
            let hang_up = async {
                let mut preface = [0; PREFACE.len() + EMPTY_SETTINGS.len()];
                server.read_exact(&mut preface).await.expect("a preface");
                drop(server);
            };
            let (begun, ()) = tokio::join!(begin(client), hang_up);
            let error = begun.expect_err("no SETTINGS");
            assert_eq!(matches!(error, HandshakeError::Closed), *is_closed, "{sent:?}: {error}");
        }
    }
}
