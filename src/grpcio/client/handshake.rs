//! A connection exists only when the server has sent its SETTINGS.
//!
//! tonic uses a connection as soon as TCP is connected. For grpcio, a proxy that responds with
//! HTTP/1.1 or a process that accepts and never responds is an unreachable server rather than a
//! call that failed.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::established::{Established, Handshaken};
use super::http_connect::ConnectFailure;
use super::rejection;
use super::tls::TlsHandshakeError;
use crate::grpcio::wire::filtered_io::FilteredIo;
use crate::grpcio::wire::http2::{self, FrameHeader, GOAWAY, PREFACE, SETTINGS};

pub(super) const EMPTY_SETTINGS: [u8; http2::HEADER_LENGTH] = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];

/// The longest payload that a server may send to a client that has not announced another limit.
const MAX_PAYLOAD: usize = 16_384;

/// How long to wait for a frame right after the SETTINGS of the server, usually the acknowledgement
/// of the SETTINGS of the client. Nothing is waited for after the acknowledgement: it often arrives
/// together with the SETTINGS, and this delay is longer than everything else a program does for one
/// call.
const GRACE: Duration = Duration::from_millis(2);

/// Why an address cannot be used although it can be connected to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("Socket closed")]
    Closed,
    #[error(
        "Expected SETTINGS frame as the first frame, got other bytes: the server does not speak HTTP/2 here"
    )]
    NotHttp2,
    /// The server accepts no calls on this connection, but may accept some on the next one.
    #[error("GOAWAY received before the first call")]
    GoingAway,
    #[error(transparent)]
    Tls(#[from] TlsHandshakeError),
    #[error(transparent)]
    Proxy(#[from] ConnectFailure),
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        // TLS distinguishes a truncated stream from an orderly end; grpcio does not.
        match (error.kind(), rejection::alert(&error)) {
            (io::ErrorKind::UnexpectedEof, _) => Self::Closed,
            // With TLS 1.3 the server rejects a certificate after the handshake of the client.
            (_, Some(alert)) => Self::Tls(TlsHandshakeError::Failed(alert)),
            (_, None) => Self::Io(error),
        }
    }
}

/// Sends the preface and waits for the SETTINGS of the server.
pub(crate) async fn handshake<IO>(mut io: IO) -> Result<Established<IO>, HandshakeError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    io.write_all(&[PREFACE, &EMPTY_SETTINGS].concat()).await?;
    io.flush().await?;
    let mut received = BytesMut::new();
    let mut awaits_ack = true;
    loop {
        match FrameHeader::read(&received) {
            // The acknowledgement has to follow the SETTINGS; grpcio tolerates the wrong order.
            Some(first) if awaits_ack && first.is_settings_ack() && first.length == 0 => {
                received.advance(http2::HEADER_LENGTH);
                awaits_ack = false;
                continue;
            }
            Some(first) if !first.is_settings() || first.length > MAX_PAYLOAD => {
                return Err(HandshakeError::NotHttp2);
            }
            Some(first) if received.len() >= http2::HEADER_LENGTH + first.length => break,
            _ => {}
        }
        if io.read_buf(&mut received).await? == 0 {
            // Less than a frame header does not show which protocol the server speaks.
            return Err(HandshakeError::Closed);
        }
    }
    if !frames(&received).any(FrameHeader::is_settings_ack) {
        // A GOAWAY that was sent at the same time may arrive in a packet of its own.
        let next = tokio::time::timeout(GRACE, io.read_buf(&mut received)).await;
        next.unwrap_or(Ok(0))?;
    }
    if frames(&received).any(|frame| frame.kind == GOAWAY) {
        return Err(HandshakeError::GoingAway);
    }
    Ok(FilteredIo::new(io, Handshaken::new(received, awaits_ack)))
}

/// The headers of the received frames.
fn frames(mut received: &[u8]) -> impl Iterator<Item = FrameHeader> {
    std::iter::from_fn(move || {
        let frame = FrameHeader::read(received)?;
        received = received.get(http2::HEADER_LENGTH + frame.length..).unwrap_or_default();
        Some(frame)
    })
}

#[cfg(test)]
mod tests {
    use super::{EMPTY_SETTINGS, GRACE, HandshakeError, handshake};
    use crate::grpcio::wire::http2::PREFACE;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    const ACK: &[u8] = &[0, 0, 0, 4, 1, 0, 0, 0, 0];
    const GOAWAY: &[u8] = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0pingpong";

    #[tokio::test]
    async fn a_server_has_to_start_with_settings() {
        let other: &[(&[u8], bool)] = &[
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", false),
            (PING, false),
            // Too short to identify the protocol.
            (b"\x15\x03\x03\0\x02\x02\x28", true),
            (b"", true),
        ];
        for (sent, is_closed) in other {
            let (client, mut server) = duplex(1024);
            server.write_all(sent).await.expect("room");
            let close = async {
                let mut preface = [0; PREFACE.len() + EMPTY_SETTINGS.len()];
                server.read_exact(&mut preface).await.expect("a preface");
                drop(server);
            };
            let (result, ()) = tokio::join!(handshake(client), close);
            let error = result.expect_err("no SETTINGS");
            assert_eq!(matches!(error, HandshakeError::Closed), *is_closed, "{sent:?}: {error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_awaited_after_an_acknowledgement() {
        let cases = [
            (vec![], true, true),
            (PING.to_vec(), true, true),
            (ACK.to_vec(), false, true),
            ([PING, ACK].concat(), false, true),
            ([ACK, GOAWAY].concat(), false, false),
            (GOAWAY.to_vec(), true, false),
        ];
        for (after, waits, succeeds) in cases {
            let (client, mut server) = duplex(1024);
            server.write_all(&[&EMPTY_SETTINGS[..], &after].concat()).await.expect("room");
            let start = Instant::now();
            let has_succeeded = handshake(client).await.is_ok();
            let has_waited = start.elapsed() >= GRACE;
            assert_eq!((has_waited, has_succeeded), (waits, succeeds), "{after:?}");
        }
    }

    #[tokio::test]
    async fn the_library_sees_a_fresh_connection() {
        let first = [&EMPTY_SETTINGS, PING].concat();
        let late = [&first, ACK, PING, ACK].concat();
        let early = [ACK, &first, PING, ACK].concat();
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
            let (client, server) = tokio::join!(handshake(client), serve);
            let mut client = client.expect("SETTINGS");
            client.write_all(&[PREFACE, b"frames"].concat()).await.expect("room");
            drop(server);
            let mut received = Vec::new();
            client.read_to_end(&mut received).await.expect("all bytes");
            assert_eq!(received, [&first, PING, ACK].concat(), "cut at {cut}");
        }
    }
}
