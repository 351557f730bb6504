//! Reads the frames of a client: limits how long it may take to finish what it has begun to send,
//! acknowledges a graceful shutdown for a client that does not, and lets
//! [`ping_strikes`](super::ping_strikes) count its pings. The frames are read once for all of these,
//! because every call pays for it.
//!
//! - grpcio closes a connection whose client has not sent its SETTINGS by the end of the handshake
//!   timeout, or has not acknowledged those of the server after 60 s. hyper has no such limits.
//! - A header block that never ends closes the connection, too. grpcio waits for ever; here it is an
//!   error, because such a connection can carry no other frame, and h2 keeps the block in memory.
//! - A graceful shutdown sends PING after GOAWAY, and h2 waits for the acknowledgement even if no
//!   call is in flight. grpcio stops waiting after a while. Only h2 knows when all responses are
//!   written, so here h2 receives an acknowledgement that the client has not sent, and then closes
//!   the connection as usual.
//!
//! One timer serves all limits. It exists only until the acknowledgement of the SETTINGS, and while
//! the socket is empty in the middle of a header block.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::ping_strikes::PingStrikes;
use crate::grpcio::wire::filtered_io::{FilteredIo, IoFilter, poll_read_new};
use crate::grpcio::wire::http2::{ACK, FrameHeader, FramePosition, PING};

/// The acknowledgement of the PING that h2 sends after the GOAWAY of a graceful shutdown: its
/// payload is `h2::frame::Ping::SHUTDOWN`.
pub(crate) const SHUTDOWN_ACK: [u8; 17] = [
    0, 0, 8, PING, ACK, 0, 0, 0, 0, // the header
    0x0b, 0x7b, 0xa2, 0xf0, 0x8b, 0x9b, 0xfe, 0x54,
];

/// What the owner of a connection knows of the frames, and can ask for. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientState(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    acknowledges: AtomicBool,
    has_acknowledged: AtomicBool,
}

impl ClientState {
    /// Makes h2 receive the acknowledgement of a graceful shutdown the next time that it has read
    /// everything, and the client is not in the middle of a frame or header block.
    pub(crate) fn acknowledge_shutdown(&self) {
        self.0.acknowledges.store(true, Ordering::Relaxed);
    }

    /// Whether h2 has received that acknowledgement.
    pub(crate) fn has_acknowledged(&self) -> bool {
        self.0.has_acknowledged.load(Ordering::Relaxed)
    }
}

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Until its SETTINGS have arrived.
    pub(crate) handshake_end: Instant,
    /// Until it has acknowledged the SETTINGS of the server.
    pub(crate) settings_end: Instant,
    /// For each header block.
    pub(crate) header_timeout: Duration,
}

/// Watches the frames that arrive on `transport`, and passes them to `pings`.
pub(crate) fn watch<T>(
    transport: T,
    state: ClientState,
    limits: Limits,
    pings: PingStrikes,
) -> FilteredIo<T, ClientFrames> {
    let filter = ClientFrames {
        state,
        position: FramePosition::of_client(),
        frame: None,
        stage: Stage::Handshake,
        limits,
        timer: None,
        pings,
    };
    FilteredIo::new(transport, filter)
}

/// Watches the frames of a client.
#[derive(Debug)]
pub(crate) struct ClientFrames {
    state: ClientState,
    /// The position in the frames that have arrived.
    position: FramePosition,
    /// The frame that has begun and is not complete.
    frame: Option<FrameHeader>,
    stage: Stage,
    limits: Limits,
    timer: Option<Pin<Box<Sleep>>>,
    pings: PingStrikes,
}

impl ClientFrames {
    /// Whether `buffer` now contains the acknowledgement.
    fn acknowledges(&self, buffer: &mut ReadBuf<'_>) -> bool {
        let flags = &self.state.0;
        let is_due = flags.acknowledges.load(Ordering::Relaxed)
            && !flags.has_acknowledged.load(Ordering::Relaxed)
            && self.stage != Stage::Handshake
            && self.position.is_between_frames()
            && buffer.remaining() >= SHUTDOWN_ACK.len();
        if is_due {
            buffer.put_slice(&SHUTDOWN_ACK);
            flags.has_acknowledged.store(true, Ordering::Relaxed);
        }
        is_due
    }

    /// Returns when the client has not finished in time.
    #[cold]
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Limits { handshake_end, settings_end, header_timeout } = self.limits;
        let (end, what) = match self.stage {
            Stage::Handshake => (handshake_end.min(settings_end), "its SETTINGS"),
            Stage::SettingsAck => (settings_end, "the acknowledgement of SETTINGS"),
            Stage::Frames => (Instant::now() + header_timeout, "a whole header block"),
        };
        // Has been armed at the first wait, which is when the header block has begun.
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        ready!(timer.as_mut().poll(cx));
        let text = format!("the client has not sent {what} in time");
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, text))
    }

    /// Whether the client has to send more in time: in the first stages, and in the middle of a header
    /// block, or of a frame header, which may become one.
    #[inline]
    fn is_awaited(&self) -> bool {
        self.stage != Stage::Frames
            || self.position.is_block_open()
            || self.position.is_in_header()
            || self.frame.is_some_and(FrameHeader::is_header_block)
    }

    /// Advances by `bytes` that have arrived. Returns how many of them h2 reads: all, unless the
    /// connection ends with a PING.
    #[inline]
    fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while self.position.skip_rest(&mut rest) {
            if let Some(frame) = self.frame.take() {
                self.end_frame(frame);
                if frame.is_ping() && self.pings.received_ping() {
                    return bytes.len() - rest.len();
                }
            }
            let Some(frame) = self.position.take_header(&mut rest) else { break };
            self.pings.received_frame(frame);
            self.frame = Some(frame);
        }
        bytes.len()
    }

    /// `frame` is complete. What the timer is for is complete if a stage ends with it or, in the last
    /// one, it is a frame outside of header blocks or the end of one.
    #[inline]
    fn end_frame(&mut self, frame: FrameHeader) {
        match self.stage {
            Stage::Handshake if frame.is_settings() => self.stage = Stage::SettingsAck,
            Stage::SettingsAck if frame.is_settings_ack() => self.stage = Stage::Frames,
            Stage::Handshake | Stage::SettingsAck => return,
            Stage::Frames => {}
        }
        if !self.position.is_block_open() {
            self.timer = None;
        }
    }
}

impl IoFilter for ClientFrames {
    #[inline]
    fn poll_read<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.pings.has_ended() {
            // The end of the connection.
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let Poll::Ready(read) = poll_read_new(transport, cx, buffer) else {
            if self.acknowledges(buffer) {
                return Poll::Ready(Ok(()));
            }
            if self.is_awaited() {
                return self.poll_timeout(cx).map(Err);
            }
            return Poll::Pending;
        };
        let length = self.advance(read?);
        buffer.set_filled(before + length);
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn written(&mut self, bytes: &[u8]) {
        self.pings.written(bytes);
    }

    fn poll_shutdown<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.pings.poll_farewell(transport, cx))?;
        Pin::new(transport).poll_shutdown(cx)
    }
}

/// What a client is expected to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The preface and SETTINGS.
    Handshake,
    /// The acknowledgement of the SETTINGS of the server, and any frames.
    SettingsAck,
    /// Any frames.
    Frames,
}

#[cfg(test)]
mod tests {
    use super::super::closing_socket::SocketState;
    use super::super::connection_options::ConnectionOptions;
    use super::{ClientFrames, ClientState, Limits, PingStrikes, SHUTDOWN_ACK, watch};
    use crate::grpcio::wire::filtered_io::FilteredIo;
    use crate::grpcio::wire::http2::PREFACE;
    use std::io::{self, ErrorKind};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{Instant, sleep, timeout};

    const HANDSHAKE: Duration = Duration::from_secs(60);
    const SETTINGS_ACK: Duration = Duration::from_secs(90);
    const HEADER: Duration = Duration::from_secs(30);
    const HOUR: Duration = Duration::from_secs(3600);

    const SETTINGS: [u8; 15] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1];
    const ACK: [u8; 9] = [0, 0, 0, 4, 1, 0, 0, 0, 0];
    const HEADERS: [u8; 12] = [0, 0, 3, 1, 4, 0, 0, 0, 1, 7, 7, 7];
    /// HEADERS without the end of the header block, and its end.
    const OPEN_BLOCK: [u8; 10] = [0, 0, 1, 1, 0, 0, 0, 0, 3, 7];
    const CONTINUATION: [u8; 10] = [0, 0, 1, 9, 4, 0, 0, 0, 3, 7];
    const DATA: [u8; 12] = [0, 0, 3, 0, 0, 0, 0, 0, 1, 7, 7, 7];

    struct Client {
        sends: DuplexStream,
        server: FilteredIo<DuplexStream, ClientFrames>,
        state: ClientState,
    }

    impl Client {
        fn new() -> Self {
            let (sends, near) = duplex(1024);
            let state = ClientState::default();
            let start = Instant::now();
            let limits = Limits {
                handshake_end: start + HANDSHAKE,
                settings_end: start + SETTINGS_ACK,
                header_timeout: HEADER,
            };
            let pings = PingStrikes::new(&ConnectionOptions::default(), SocketState::default());
            let server = watch(near, state.clone(), limits, pings);
            Self { sends, server, state }
        }

        /// A client that has sent its preface and SETTINGS and the acknowledgement.
        async fn connected() -> Self {
            let mut client = Self::new();
            client.send(&[PREFACE, &SETTINGS, &ACK].concat()).await;
            client
        }

        /// Sends `bytes`, which are read one by one.
        async fn send(&mut self, bytes: &[u8]) {
            self.sends.write_all(bytes).await.expect("room");
            for byte in bytes {
                assert_eq!(self.server.read_u8().await.expect("a byte"), *byte);
            }
        }

        /// How long the server waits for the next byte, which never arrives, and why no longer.
        async fn waits(&mut self) -> Option<(Duration, io::Error)> {
            let start = Instant::now();
            let read = timeout(HOUR, self.server.read_u8()).await.ok()?;
            Some((start.elapsed(), read.expect_err("nothing is sent")))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_settings_and_the_acknowledgement_have_to_arrive_in_time() {
        let pause = Duration::from_secs(1);
        let handshake = [PREFACE, &SETTINGS, &ACK].concat();
        let settings = handshake.len() - ACK.len();
        for sent in 0..handshake.len() {
            let mut client = Client::new();
            sleep(pause).await;
            client.send(&handshake[..sent]).await;
            let (waited, error) = client.waits().await.expect("an end");
            let limit = if sent < settings { HANDSHAKE } else { SETTINGS_ACK };
            assert_eq!(
                (waited + pause, error.kind()),
                (limit, ErrorKind::TimedOut),
                "{sent} bytes"
            );
            let is_ack = error.to_string().contains("the acknowledgement of SETTINGS");
            assert_eq!(is_ack, sent >= settings, "{error}");
        }
        let mut client = Client::connected().await;
        assert!(client.waits().await.is_none(), "an idle client is not closed");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_do_not_replace_the_acknowledgement() {
        let mut client = Client::new();
        client.send(&[PREFACE, &SETTINGS, &HEADERS].concat()).await;
        assert_eq!(client.waits().await.expect("an end").0, SETTINGS_ACK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_block_has_to_end_in_time() {
        let block = [&HEADERS[..], &OPEN_BLOCK, &CONTINUATION].concat();
        let between = [0, HEADERS.len(), block.len()];
        for sent in 0..=block.len() {
            let mut client = Client::connected().await;
            client.send(&block[..sent]).await;
            let waited = client.waits().await;
            assert_eq!(waited.is_none(), between.contains(&sent), "{sent} bytes: {waited:?}");
            if let Some((waited, error)) = waited {
                assert_eq!((waited, error.kind()), (HEADER, ErrorKind::TimedOut));
                assert!(error.to_string().contains("header block"), "{error}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_may_take_any_time() {
        let mut client = Client::connected().await;
        client.send(&HEADERS).await;
        client.send(&DATA[..10]).await;
        assert!(client.waits().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn each_header_block_has_a_time_of_its_own() {
        let mut client = Client::connected().await;
        client.send(&HEADERS[..3]).await;
        for frame in [&HEADERS, &DATA, &HEADERS] {
            assert!(timeout(HEADER * 2 / 3, client.server.read_u8()).await.is_err());
            client.send(&frame[3..]).await;
            client.send(&HEADERS[..3]).await;
        }
        // A byte now and then does not help.
        assert!(timeout(HEADER / 2, client.server.read_u8()).await.is_err());
        client.send(&HEADERS[3..11]).await;
        assert_eq!(client.waits().await.expect("an end").0, HEADER / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_shutdown_is_acknowledged_once_between_frames() {
        let frames = [&HEADERS[..], &OPEN_BLOCK, &CONTINUATION, &DATA].concat();
        let between = [0, HEADERS.len(), frames.len() - DATA.len(), frames.len()];
        for sent in 0..=frames.len() {
            let mut client = Client::connected().await;
            client.send(&frames[..sent]).await;
            client.state.acknowledge_shutdown();
            let mut read = [0; 64];
            let read = timeout(HEADER / 2, client.server.read(&mut read))
                .await
                .map(|length| read[..length.expect("no error")].to_vec());
            if between.contains(&sent) {
                assert_eq!(read.as_deref(), Ok(&SHUTDOWN_ACK[..]), "{sent} bytes");
                assert!(client.state.has_acknowledged());
            } else {
                assert!(read.is_err() && !client.state.has_acknowledged(), "{sent} bytes");
            }
            client.send(&frames[sent..]).await;
        }
    }

    /// h2 would otherwise wait for ever for another payload.
    #[tokio::test]
    async fn the_acknowledgement_is_that_of_h2() {
        let (near, far) = duplex(1024);
        let mut server = h2::server::handshake(near);
        let client = tokio::spawn(async move {
            let mut far = far;
            far.write_all(&[PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat()).await.expect("room");
            let mut sent = vec![];
            while !sent.windows(8).any(|payload| payload == &SHUTDOWN_ACK[9..]) {
                assert_ne!(far.read_buf(&mut sent).await.expect("frames"), 0, "{sent:?}");
            }
            far.write_all(&SHUTDOWN_ACK).await.expect("room");
            far.read_to_end(&mut sent).await.expect("the end");
        });
        let mut server = (&mut server).await.expect("a handshake");
        server.graceful_shutdown();
        assert!(server.accept().await.is_none());
        drop(server);
        client.await.expect("no panic");
    }
}
