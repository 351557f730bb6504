//! Ends the connection of a client that sends PING too often, as grpcio does.
//!
//! A client that is developed against a server without this rule loses its connection as soon as it
//! calls one with it, so all servers should agree. hyper acknowledges any number of pings.
//!
//! A PING that follows another too soon is a strike, unless a frame for a call has been sent in
//! between: HEADERS, DATA or WINDOW_UPDATE. grpcio announces the window that it has freed with the next
//! frames that it sends, and h2 only when half of the window is used. So that this server is not
//! stricter, a received HEADERS or DATA counts like the WINDOW_UPDATE that grpcio would send with the
//! acknowledgement of the next PING.
//!
//! h2 is not asked to end the connection, because it would send GOAWAY with another reason. It reads
//! the end of the connection instead, and the last frames follow those that it has written. The frames
//! of the client are those that [`client_frames`](super::client_frames) reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::closing_socket::SocketState;
use super::connection_options::ConnectionOptions;
use crate::grpcio::wire::filtered_io::poll_write_all;
use crate::grpcio::wire::http2::{
    END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FrameHeader, FramePosition, GOAWAY, HEADERS,
    RST_STREAM, TOO_MANY_PINGS, WINDOW_UPDATE, frame,
};

/// The least time between two pings of a client without a call: that of keepalive in TCP.
const IDLE_INTERVAL: Duration = Duration::from_secs(2 * 60 * 60);

/// The start of a response without a message: `:status: 200` and the type of the content, as HPACK
/// writes them without its dynamic table.
const RESPONSE: &[u8] = b"\x88\x00\x0ccontent-type\x10application/grpc";

/// UNAVAILABLE with the message of grpcio.
const STATUS: &[u8] = b"\x00\x0bgrpc-status\x0214\x00\x0cgrpc-message\x0eToo many pings";

/// How often a client may send PING.
#[derive(Clone, Copy, Debug)]
struct Policy {
    interval: Duration,
    /// 0 is any number.
    max_strikes: u32,
    permits_idle: bool,
}

/// The streams whose response has not ended, and whether it has begun. They are in order, because
/// clients open them in order, and need no memory for each call.
#[derive(Debug, Default)]
struct OpenStreams {
    streams: Vec<(u32, bool)>,
    /// The index after that of the response that has begun last.
    next: usize,
}

impl OpenStreams {
    /// The index of `stream`, which is usually `guess`: most responses begin and end in order.
    #[inline]
    fn index(&self, stream: u32, guess: usize) -> Option<usize> {
        match self.streams.get(guess) {
            Some((guessed, _)) if *guessed == stream => Some(guess),
            _ => self.streams.binary_search_by_key(&stream, |(stream, _)| *stream).ok(),
        }
    }

    /// Adds a stream, which has a greater number than all before.
    fn add(&mut self, stream: u32) {
        self.streams.push((stream, false));
    }

    #[inline]
    fn begin_response(&mut self, stream: u32) {
        if let Some(index) = self.index(stream, self.next) {
            self.streams[index].1 = true;
            self.next = index + 1;
        }
    }

    #[inline]
    fn remove(&mut self, stream: u32) {
        if let Some(index) = self.index(stream, 0) {
            self.streams.remove(index);
            self.next -= usize::from(index < self.next);
        }
    }
}

/// The pings and the open streams of a connection.
#[derive(Debug)]
pub(crate) struct PingStrikes {
    policy: Policy,
    socket: SocketState,
    sent: FramePosition,
    /// The last ping, unless a frame for a call has been sent since.
    last_ping: Option<Instant>,
    strikes: u32,
    /// Whether grpcio would send WINDOW_UPDATE with its next frames.
    is_update_due: bool,
    open: OpenStreams,
    last_stream: u32,
    /// What is still to be written before the connection is closed.
    farewell: Option<Vec<u8>>,
}

impl PingStrikes {
    /// No pings have arrived. The client can read the last frames before `socket` is closed.
    pub(crate) fn new(options: &ConnectionOptions, socket: SocketState) -> Self {
        let policy = Policy {
            interval: options.min_ping_interval,
            max_strikes: options.max_ping_strikes,
            permits_idle: options.keepalive_permit_without_calls,
        };
        Self {
            policy,
            socket,
            sent: FramePosition::of_server(),
            last_ping: None,
            strikes: 0,
            is_update_due: false,
            open: OpenStreams::default(),
            last_stream: 0,
            farewell: None,
        }
    }

    /// Whether the connection has to end.
    #[inline]
    pub(super) fn has_ended(&self) -> bool {
        self.farewell.is_some()
    }

    /// A PING has arrived. Returns whether the connection has to end after it.
    pub(super) fn received_ping(&mut self) -> bool {
        let has_ended = self.is_too_much(Instant::now());
        if has_ended {
            // Otherwise the kernel would reset the connection when the next ping arrives, and the
            // client would not read why.
            self.socket.set_linger(true);
            self.farewell = Some(self.last_frames());
        }
        has_ended
    }

    /// A frame has begun to arrive.
    #[inline]
    pub(super) fn received_frame(&mut self, frame: FrameHeader) {
        if frame.is_reset() {
            self.open.remove(frame.stream);
        } else if frame.kind == HEADERS || frame.is_data() {
            self.is_update_due = true;
            // Otherwise they are trailers.
            if frame.kind == HEADERS && frame.stream > self.last_stream {
                self.last_stream = frame.stream;
                self.open.add(frame.stream);
            }
        }
    }

    /// Counts a ping. Returns whether the connection has to end.
    fn is_too_much(&mut self, now: Instant) -> bool {
        let Policy { interval, max_strikes, permits_idle } = self.policy;
        let is_idle = self.open.streams.is_empty() && !permits_idle;
        let interval = if is_idle { IDLE_INTERVAL } else { interval };
        let last_ping = self.last_ping.replace(now);
        if last_ping.is_some_and(|last| now.duration_since(last) < interval) {
            self.strikes = self.strikes.saturating_add(1);
        }
        if max_strikes != 0 && self.strikes > max_strikes {
            return true;
        }
        if std::mem::take(&mut self.is_update_due) {
            self.forgive();
        }
        false
    }

    fn forgive(&mut self) {
        self.last_ping = None;
        self.strikes = 0;
    }

    /// GOAWAY, and the end of each response.
    fn last_frames(&self) -> Vec<u8> {
        let reason = [self.last_stream.to_be_bytes(), ENHANCE_YOUR_CALM.to_be_bytes()].concat();
        let mut frames = frame(GOAWAY, 0, 0, &[&reason, TOO_MANY_PINGS].concat());
        for &(stream, has_begun) in &self.open.streams {
            let start = if has_begun { &[][..] } else { RESPONSE };
            let flags = END_HEADERS | END_STREAM;
            frames.extend(frame(HEADERS, flags, stream, &[start, STATUS].concat()));
            // NO_ERROR: the response is complete, and the rest of the request is not needed.
            frames.extend(frame(RST_STREAM, 0, stream, &[0; 4]));
        }
        frames
    }

    /// Notes what h2 has written.
    #[inline]
    pub(super) fn written(&mut self, mut bytes: &[u8]) {
        while let Some(frame) = self.sent.next_frame(&mut bytes) {
            if frame.is_for_calls() {
                self.forgive();
                // grpcio would send its WINDOW_UPDATE with a response. That of h2 may be for something
                // else.
                self.is_update_due &= frame.kind == WINDOW_UPDATE;
            }
            if frame.ends_stream() {
                self.open.remove(frame.stream);
            } else if frame.kind == HEADERS {
                self.open.begin_response(frame.stream);
            }
        }
    }

    /// Writes the last frames, if the connection has to end.
    pub(super) fn poll_farewell<T: AsyncWrite + Unpin>(
        &mut self,
        transport: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(farewell) = &mut self.farewell else { return Poll::Ready(Ok(())) };
        ready!(poll_write_all(transport, cx, farewell))?;
        Pin::new(transport).poll_flush(cx)
    }
}
