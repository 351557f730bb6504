//! Sends PING while a call waits, as rarely as grpcio does.
//!
//! A grpcio server closes the connection of a client that sends its fourth PING without having
//! received anything else, and its calls fail. grpcio's client therefore limits its pings, and hyper
//! does not. The pings are sent below hyper, because it offers no way to send one.
//!
//! - PING is sent when nothing has been received for the interval and a call is open
//! - pings follow each other after a second at least, and after a minute once
//!   [`max_pings_without_data`](Keepalive::max_pings_without_data) have been sent since the last
//!   frame for a call
//! - a server that complains gets its pings half as often on the next connection ([`Interval`])

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::keepalive::Keepalive;
use crate::grpcio::wire::filtered_io::{FilteredIo, IoFilter, poll_read_new, poll_write_all};
use crate::grpcio::wire::http2::{
    ENHANCE_YOUR_CALM, FrameHeader, FramePosition, GOAWAY, HEADERS, PING, PING_LENGTH, Piece,
    TOO_MANY_PINGS, frame,
};

/// The payload of our pings, which h2 does not use for its own.
const PAYLOAD: &[u8; PING_LENGTH] = b"liveness";

/// The least time between two pings while a call is open.
const SPACING: Duration = Duration::from_secs(1);

/// The same while none is, which matters only for a ping that has been delayed until then.
const IDLE_SPACING: Duration = Duration::from_secs(2 * 60 * 60);

/// The same after too many pings without data.
const THROTTLED_SPACING: Duration = Duration::from_secs(60);

/// How much of the payload of GOAWAY is kept: the last stream, the reason and the text.
const GOAWAY_LENGTH: usize = 8 + TOO_MANY_PINGS.len();

/// The interval of a channel. Clones share it.
///
/// It doubles whenever a server complains about pings, for the connections after that.
#[derive(Clone, Debug)]
pub(super) struct Interval(Arc<AtomicU64>);

impl Interval {
    pub(super) fn new(interval: Duration) -> Self {
        Self(Arc::new(AtomicU64::new(milliseconds(interval))))
    }

    fn get(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// A server has complained on a connection with this `interval`.
    fn back_off(&self, interval: Duration) {
        let doubled = milliseconds(interval.saturating_mul(2));
        self.0.fetch_max(doubled, Ordering::Relaxed);
    }
}

/// Limited as in grpcio, which also keeps the clock of the system from overflowing.
fn milliseconds(duration: Duration) -> u64 {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    milliseconds.clamp(1, u64::from(u32::MAX >> 1))
}

/// Sends pings on `transport`, whose first frames have not been read, or none without a keepalive.
pub(super) fn send_pings<T>(
    transport: T,
    keepalive: Option<(Keepalive, Interval)>,
) -> FilteredIo<T, Pings> {
    let pinger = keepalive.map(|(keepalive, shared)| Box::new(Pinger::new(keepalive, shared)));
    FilteredIo::new(transport, Pings(pinger))
}

/// Sends pings on a connection, unless it is `None`.
#[derive(Debug)]
pub struct Pings(Option<Box<Pinger>>);

impl IoFilter for Pings {
    fn poll_read<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(pinger) = &mut self.0 else { return Pin::new(transport).poll_read(cx, buffer) };
        let Poll::Ready(read) = poll_read_new(transport, cx, buffer) else {
            return pinger.poll(transport, cx).map(Err);
        };
        let bytes = read?;
        if !bytes.is_empty() {
            pinger.received(bytes);
        }
        Poll::Ready(Ok(()))
    }

    fn written(&mut self, bytes: &[u8]) {
        if let Some(pinger) = &mut self.0 {
            pinger.written(bytes);
        }
    }

    fn poll_send<T: AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Some(pinger) => {
                pinger.request(Instant::now());
                pinger.poll_write(transport, cx)
            }
            None => Poll::Ready(Ok(())),
        }
    }
}

/// The progress of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// None is needed before this time.
    Quiet { until: Instant },
    /// One is needed, and is sent as soon as it may be.
    Needed,
    /// One is sent, and has to be acknowledged by this time.
    Sent { deadline: Instant },
}

#[derive(Debug)]
struct Pinger {
    keepalive: Keepalive,
    /// The interval of this connection.
    interval: Duration,
    shared: Interval,
    stage: Stage,
    timer: Pin<Box<Sleep>>,
    sent: FramePosition,
    /// What is still to be written of a PING.
    unwritten: Vec<u8>,
    /// The calls that have not ended.
    open: BTreeSet<u32>,
    last_ping: Option<Instant>,
    /// How many pings may still be sent without data.
    pings_left: u32,
    received: FramePosition,
    frame: Option<FrameHeader>,
    /// The start of the payload of a frame that matters.
    payload: Vec<u8>,
}

impl Pinger {
    fn new(keepalive: Keepalive, shared: Interval) -> Self {
        let interval = shared.get();
        let until = Instant::now() + interval;
        Self {
            keepalive,
            interval,
            shared,
            stage: Stage::Quiet { until },
            timer: Box::pin(sleep_until(until)),
            sent: FramePosition::of_client(),
            unwritten: Vec::new(),
            open: BTreeSet::new(),
            last_ping: None,
            pings_left: 0,
            received: FramePosition::of_server(),
            frame: None,
            payload: Vec::new(),
        }
    }

    /// Whether nothing has to be known of the server.
    fn is_idle(&self) -> bool {
        self.open.is_empty() && !self.keepalive.permit_without_calls
    }

    /// When the next ping may be sent at the earliest; `None` if at once.
    fn allowed_at(&self) -> Option<Instant> {
        let is_throttled = self.keepalive.max_pings_without_data != 0 && self.pings_left == 0;
        let spacing = if is_throttled {
            THROTTLED_SPACING
        } else if self.is_idle() {
            IDLE_SPACING
        } else {
            SPACING
        };
        self.last_ping.map(|last| last + spacing)
    }

    /// Prepares the PING if one is needed and may be sent.
    fn request(&mut self, now: Instant) {
        let is_allowed = self.stage == Stage::Needed
            && self.sent.is_between_frames()
            && self.allowed_at().is_none_or(|at| at <= now);
        if is_allowed {
            self.unwritten = frame(PING, 0, 0, PAYLOAD);
            self.last_ping = Some(now);
            self.pings_left = self.pings_left.saturating_sub(1);
            self.stage = Stage::Sent { deadline: now + self.keepalive.timeout.min(MAX_TIMEOUT) };
        }
    }

    /// Waits and sends. Returns why the connection has to end.
    fn poll<T: AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Error> {
        loop {
            let now = Instant::now();
            self.request(now);
            if let Poll::Ready(Err(error)) = self.poll_write(transport, cx) {
                return Poll::Ready(error);
            }
            let due = match self.stage {
                Stage::Quiet { until } => until,
                Stage::Sent { deadline } => deadline,
                // In the middle of a frame, the next write sends it.
                Stage::Needed if !self.sent.is_between_frames() => return Poll::Pending,
                Stage::Needed => self.allowed_at().unwrap_or(now),
            };
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            ready!(self.timer.as_mut().poll(cx));
            self.stage = match self.stage {
                Stage::Quiet { until } if self.is_idle() => {
                    Stage::Quiet { until: until.max(now) + self.interval }
                }
                Stage::Quiet { .. } | Stage::Needed => Stage::Needed,
                Stage::Sent { .. } => {
                    let error = io::Error::new(io::ErrorKind::TimedOut, "ping timeout");
                    return Poll::Ready(error);
                }
            };
        }
    }

    fn poll_write<T: AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unwritten.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(poll_write_all(transport, cx, &mut self.unwritten))?;
        // What is not flushed now is flushed with the next frames.
        let _ = Pin::new(transport).poll_flush(cx)?;
        Poll::Ready(Ok(()))
    }

    /// Notes what the library has sent.
    fn written(&mut self, mut bytes: &[u8]) {
        while let Some(frame) = self.sent.next_frame(&mut bytes) {
            if frame.is_for_calls() {
                self.pings_left = self.keepalive.max_pings_without_data;
            }
            match frame.kind {
                HEADERS => {
                    self.open.insert(frame.stream);
                }
                // END_STREAM leaves the call open: its response follows.
                _ if frame.is_reset() => {
                    self.open.remove(&frame.stream);
                }
                _ => {}
            }
        }
    }

    /// Notes what the server has sent.
    fn received(&mut self, mut bytes: &[u8]) {
        if let Stage::Quiet { until } = &mut self.stage {
            *until = Instant::now() + self.interval;
        }
        while let Some(piece) = self.received.next_piece(&mut bytes) {
            match piece {
                Piece::Frame(frame) => {
                    if frame.ends_stream() {
                        self.open.remove(&frame.stream);
                    }
                    if frame.is_data() {
                        self.last_ping = None;
                    }
                    self.payload.clear();
                    self.frame = (frame.is_ping_ack() || frame.kind == GOAWAY).then_some(frame);
                }
                Piece::Payload(bytes) if self.frame.is_some() => {
                    let room = GOAWAY_LENGTH.saturating_sub(self.payload.len());
                    self.payload.extend_from_slice(&bytes[..bytes.len().min(room)]);
                }
                Piece::Payload(_) => {}
            }
            if self.received.is_frame_complete()
                && let Some(frame) = self.frame.take()
            {
                self.end_frame(frame);
            }
        }
    }

    fn end_frame(&mut self, frame: FrameHeader) {
        if frame.is_ping_ack() {
            if matches!(self.stage, Stage::Sent { .. }) && self.payload == PAYLOAD {
                self.stage = Stage::Quiet { until: Instant::now() + self.interval };
            }
        } else if frame.length == GOAWAY_LENGTH
            && self.payload.get(4..8) == Some(&ENHANCE_YOUR_CALM.to_be_bytes())
            && self.payload.get(8..) == Some(TOO_MANY_PINGS)
        {
            self.shared.back_off(self.interval);
        }
    }
}

/// The longest timeout, about 30 years. The clock of the system could overflow after it.
const MAX_TIMEOUT: Duration = Duration::from_secs(1_000_000_000);

#[cfg(test)]
mod tests {
    use super::{Interval, PAYLOAD, Pings, send_pings};
    use crate::grpcio::client::keepalive::Keepalive;
    use crate::grpcio::wire::filtered_io::FilteredIo;
    use crate::grpcio::wire::http2::{
        ACK, DATA, END_HEADERS, END_STREAM, FrameHeader, GOAWAY, HEADER_LENGTH, HEADERS, PING,
        PREFACE, frame,
    };
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{Instant, sleep, timeout};

    const SECOND: Duration = Duration::from_secs(1);

    /// A connection with pings, and the server that reads them.
    struct Connection {
        client: FilteredIo<DuplexStream, Pings>,
        server: DuplexStream,
        start: Instant,
    }

    impl Connection {
        /// The client has sent its preface, and the header fields of a call if there `is_call`.
        async fn open(keepalive: Keepalive, interval: &Interval, is_call: bool) -> Self {
            let (near, server) = duplex(1024);
            let client = send_pings(near, Some((keepalive, interval.clone())));
            let mut connection = Self { client, server, start: Instant::now() };
            connection.client.write_all(PREFACE).await.expect("room");
            connection.server.read_exact(&mut [0; PREFACE.len()]).await.expect("the preface");
            if is_call {
                connection.send(&frame(HEADERS, END_HEADERS, 1, b"field")).await;
            }
            connection
        }

        /// Sends `bytes`, which the server reads.
        async fn send(&mut self, bytes: &[u8]) {
            self.client.write_all(bytes).await.expect("room");
            let mut read = vec![0; bytes.len()];
            self.server.read_exact(&mut read).await.expect("the frame");
            assert_eq!(read, bytes);
        }

        /// Sends `bytes` to the client, which reads them.
        async fn respond(&mut self, bytes: &[u8]) {
            self.server.write_all(bytes).await.expect("room");
            let mut read = vec![0; bytes.len()];
            self.client.read_exact(&mut read).await.expect("the frame");
        }

        /// The next frame of the client within `limit`, which is PING.
        async fn ping(&mut self, limit: Duration) -> Option<Vec<u8>> {
            let (client, server) = (&mut self.client, &mut self.server);
            let mut bytes = [0; HEADER_LENGTH + 8];
            tokio::select! {
                read = timeout(limit, server.read_exact(&mut bytes)) => {
                    read.ok()?.expect("a whole frame");
                }
                read = client.read_u8() => panic!("nothing is sent: {read:?}"),
            }
            assert!(FrameHeader::read(&bytes).expect("a header").is_ping());
            Some(bytes[HEADER_LENGTH..].to_vec())
        }

        /// The times of all pings until half a second after `end`, each of which is acknowledged, in
        /// whole seconds.
        async fn pings(&mut self, end: u64) -> Vec<u64> {
            let mut times = Vec::new();
            let end = self.start + Duration::from_secs(end) + SECOND / 2;
            while let Some(payload) = self.ping(end - Instant::now()).await {
                times.push((self.start.elapsed() + SECOND / 100).as_secs());
                self.respond(&frame(PING, ACK, 0, &payload)).await;
            }
            times
        }
    }

    fn every(seconds: u64) -> (Keepalive, Interval) {
        let interval = Duration::from_secs(seconds);
        (Keepalive::new(interval), Interval::new(interval))
    }

    async fn open(seconds: u64, is_call: bool) -> Connection {
        let (keepalive, interval) = every(seconds);
        Connection::open(keepalive, &interval, is_call).await
    }

    /// The times are those of grpcio 1.85.1 for the same calls.
    #[tokio::test(start_paused = true)]
    async fn a_third_ping_without_data_waits_for_a_minute() {
        assert_eq!(open(10, true).await.pings(230).await, [10, 20, 80, 140, 200]);
        assert_eq!(open(1, true).await.pings(190).await, [1, 2, 62, 122, 182]);
        let (keepalive, interval) = every(1);
        let any = Keepalive { max_pings_without_data: 0, ..keepalive };
        let mut connection = Connection::open(any, &interval, true).await;
        assert_eq!(connection.pings(5).await, [1, 2, 3, 4, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn data_of_the_client_permits_pings_again() {
        let mut connection = open(5, true).await;
        let mut times = Vec::new();
        for _ in 0..3 {
            times.extend(connection.pings(connection.start.elapsed().as_secs() + 17).await);
            connection.send(&frame(DATA, 0, 1, b"message")).await;
        }
        // The ping that is due is sent with the data.
        assert_eq!(times, [5, 10, 17, 22, 34, 39]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_server_sends_postpones_pings() {
        let mut connection = open(5, true).await;
        for _ in 0..9 {
            sleep(4 * SECOND).await;
            connection.respond(&frame(DATA, 0, 1, b"message")).await;
        }
        assert_eq!(connection.pings(42).await, [41]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_call_is_not_pinged() {
        assert_eq!(open(10, false).await.pings(900).await, []);
        let mut connection = open(10, true).await;
        connection.send(&frame(DATA, END_STREAM, 1, b"message")).await;
        assert_eq!(connection.pings(11).await, [10], "the response is missing");
        connection.respond(&frame(HEADERS, END_HEADERS | END_STREAM, 1, b"status")).await;
        assert_eq!(connection.pings(900).await, []);
        connection.send(&frame(HEADERS, END_HEADERS, 3, b"field")).await;
        assert_eq!(connection.pings(909).await.len(), 1, "another call");
        let (keepalive, interval) = every(10);
        let permitted = Keepalive { permit_without_calls: true, ..keepalive };
        let mut connection = Connection::open(permitted, &interval, false).await;
        assert_eq!(connection.pings(125).await, [10, 70]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_that_is_not_acknowledged_ends_the_connection() {
        for acknowledged in [&b""[..], b"another!", PAYLOAD] {
            let mut connection = open(10, true).await;
            assert_eq!(connection.ping(11 * SECOND).await.as_deref(), Some(&PAYLOAD[..]));
            if !acknowledged.is_empty() {
                connection.respond(&frame(PING, ACK, 0, acknowledged)).await;
            }
            let read = timeout(25 * SECOND, connection.client.read_u8()).await;
            if acknowledged == PAYLOAD {
                assert!(read.is_err(), "the connection lasts");
            } else {
                let error = read.expect("an end").expect_err("an error");
                assert_eq!(error.to_string(), "ping timeout");
                assert_eq!(connection.start.elapsed().as_secs(), 30);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_interval_doubles_if_the_server_complains() {
        let (keepalive, interval) = every(10);
        let goaway = |reason: u8, text: &[u8]| {
            frame(GOAWAY, 0, 0, &[&[0, 0, 0, 1, 0, 0, 0, reason], text].concat())
        };
        for (reason, text, next) in [
            (0, &b"too_many_pings"[..], 10),
            (11, b"too_many_things", 10),
            (11, b"", 10),
            (11, b"too_many_pings", 20),
            (11, b"too_many_pings", 40),
        ] {
            let mut connection = Connection::open(keepalive, &interval, true).await;
            let first = connection.pings(45).await[0];
            // Two connections that are open at the same time complain about the same interval.
            let mut other = Connection::open(keepalive, &interval, true).await;
            for connection in [&mut connection, &mut other] {
                connection.respond(&goaway(reason, text)).await;
            }
            assert_eq!(interval.get(), Duration::from_secs(next), "after {first} s and {reason}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_is_not_inserted_into_frames_and_header_blocks() {
        let headers = frame(HEADERS, 0, 3, b"field");
        let end = frame(9, END_HEADERS, 3, b"field");
        let data = frame(DATA, 0, 1, b"message");
        for frames in [[headers, end].concat(), data] {
            for cut in 1..frames.len() {
                let mut connection = open(10, true).await;
                connection.send(&frames[..cut]).await;
                assert_eq!(connection.ping(60 * SECOND).await, None, "cut at {cut}");
                connection.send(&frames[cut..]).await;
                assert_eq!(connection.ping(SECOND).await.as_deref(), Some(&PAYLOAD[..]));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_ping_that_does_not_fit_is_completed_before_other_frames() {
        let (keepalive, interval) = every(10);
        let (near, mut server) = duplex(PREFACE.len() + 14 + 5);
        let mut client = send_pings(near, Some((keepalive, interval)));
        let call = frame(HEADERS, END_HEADERS, 1, b"field");
        client.write_all(&[PREFACE, &call].concat()).await.expect("room");
        assert!(timeout(11 * SECOND, client.read_u8()).await.is_err());
        let message = frame(DATA, 0, 1, b"message");
        let mut read = vec![0; PREFACE.len() + call.len() + HEADER_LENGTH + 8 + message.len()];
        let (sent, received) =
            tokio::join!(client.write_all(&message), server.read_exact(&mut read));
        sent.expect("room");
        received.expect("all frames");
        let expected = [frame(PING, 0, 0, PAYLOAD), message].concat();
        assert_eq!(read[PREFACE.len() + call.len()..], expected);
    }
}
