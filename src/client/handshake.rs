//! The beginning of a connection: HTTP/2's preface, and the wait for the server's SETTINGS.
//!
//! tonic takes a connection for made as soon as TCP is, and sends calls into it. For grpcio it is
//! made when the server has spoken HTTP/2, so that a proxy that answers in HTTP/1.1, or somebody who
//! accepts and says nothing, is a server that cannot be reached and not a call that broke.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::established::Established;
use super::tls::TlsHandshakeError;
use crate::frame_header::{self, FrameHeader, GOAWAY, PREFACE, SETTINGS};

pub(super) const EMPTY_SETTINGS: [u8; frame_header::LENGTH] = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];

/// The longest payload that a server may send to a client that has not allowed more.
const LONGEST_PAYLOAD: usize = 16_384;

/// How long to wait for what a server says right behind its SETTINGS, mostly the acknowledgement of
/// the client's. Once that has come nothing is waited for: it often comes in one piece with the
/// SETTINGS, and these milliseconds are then more than all else that a program does for one call.
const BREATH: Duration = Duration::from_millis(2);

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
    #[error(transparent)]
    Tls(#[from] TlsHandshakeError),
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        // TLS tells an end without a farewell from one with it; to grpcio both are the end.
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
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
            Some(first) if seeks_acknowledgement && first.acknowledges() && first.length == 0 => {
                received.advance(frame_header::LENGTH);
                seeks_acknowledgement = false;
                continue;
            }
            Some(first) if !first.has_settings() || first.length > LONGEST_PAYLOAD => {
                return Err(HandshakeError::NotHttp2);
            }
            Some(first) if received.len() >= frame_header::LENGTH + first.length => break,
            _ => {}
        }
        if io.read_buf(&mut received).await? == 0 {
            // Fewer bytes than a frame's header may be the beginning of anything.
            return Err(HandshakeError::Closed);
        }
    }
    if !frames(&received).any(FrameHeader::acknowledges) {
        // A GOAWAY that was sent in the same breath may come in a packet of its own.
        let next = tokio::time::timeout(BREATH, io.read_buf(&mut received)).await;
        next.unwrap_or(Ok(0))?;
    }
    if frames(&received).any(|frame| frame.kind == GOAWAY) {
        return Err(HandshakeError::GoingAway);
    }
    Ok(Established::new(io, received, seeks_acknowledgement))
}

/// The headers of the frames that have come.
fn frames(mut received: &[u8]) -> impl Iterator<Item = FrameHeader> {
    std::iter::from_fn(move || {
        let frame = FrameHeader::read(received)?;
        received = received.get(frame_header::LENGTH + frame.length..).unwrap_or_default();
        Some(frame)
    })
}

#[cfg(test)]
mod tests {
    use super::{BREATH, EMPTY_SETTINGS, HandshakeError, begin};
    use crate::frame_header::PREFACE;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    const ACKNOWLEDGEMENT: &[u8] = &[0, 0, 0, 4, 1, 0, 0, 0, 0];
    const GOAWAY: &[u8] = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0pingpong";

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

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waited_for_behind_an_acknowledgement() {
        let cases = [
            (vec![], true, true),
            (PING.to_vec(), true, true),
            (ACKNOWLEDGEMENT.to_vec(), false, true),
            ([PING, ACKNOWLEDGEMENT].concat(), false, true),
            ([ACKNOWLEDGEMENT, GOAWAY].concat(), false, false),
            (GOAWAY.to_vec(), true, false),
        ];
        for (behind, waits, takes_calls) in cases {
            let (client, mut server) = duplex(1024);
            server.write_all(&[&EMPTY_SETTINGS[..], &behind].concat()).await.expect("room");
            let start = Instant::now();
            let is_begun = begin(client).await.is_ok();
            let has_waited = start.elapsed() >= BREATH;
            assert_eq!((has_waited, is_begun), (waits, takes_calls), "{behind:?}");
        }
    }
}
