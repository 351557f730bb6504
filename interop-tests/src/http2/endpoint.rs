//! One endpoint of an HTTP/2 connection, client or server: its state, and its replies to the peer.
//!
//! Like every implementation, it acknowledges SETTINGS and PING and replenishes windows automatically. The script
//! controls everything else. A client without a deadline may wait forever, which cannot be observed directly. But
//! while frames are exchanged or the script pauses, the client has something to wait for. So the endpoint records its
//! activity.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::{Arc, mpsc::RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{io, thread};

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http2::frame::{Frame, PREFACE, flag, kind};
use crate::http2::frame_socket::{FrameSocket, Observers, Windows};
use crate::http2::header_block::{Block, BlockReader, Field};

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[schemars(rename = "Sender")]
pub(crate) enum Role {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// Which frames of the peer an endpoint replies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replies {
    /// All frames that need a reply.
    All,
    /// All except SETTINGS, which the script acknowledges.
    AllButSettings,
    /// No frames.
    None,
}

/// What the peer has sent on one stream, and whether the stream has ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    /// The header blocks in order. Whether a block is initial or trailing metadata is known only when the stream has
    /// ended.
    pub(crate) blocks: Vec<Vec<Field>>,
    pub(crate) data: Vec<u8>,
    /// The protocol violation in the peer's frames, if any.
    pub(crate) malformed: Option<String>,
    /// When the first header block was complete.
    pub(crate) began: Option<Instant>,
    pub(crate) received_end: bool,
    /// The code of the peer's RST_STREAM.
    pub(crate) received_reset: Option<u32>,
    pub(crate) sent_end: bool,
    pub(crate) sent_reset: bool,
}

impl Stream {
    /// Whether the peer sends nothing more.
    pub(crate) fn is_received(&self) -> bool {
        self.received_end || self.received_reset.is_some()
    }

    /// Whether the peer sends nothing more, or nothing that matters.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_received() || self.sent_reset
    }

    /// Whether the stream is closed in both directions.
    pub(crate) fn is_closed(&self) -> bool {
        self.received_reset.is_some() || self.sent_reset || (self.received_end && self.sent_end)
    }
}

/// A deadline for frames of the peer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timeout {
    /// At this time.
    At(Instant),
    /// This duration after the last activity on the connection.
    Idle(Duration),
}

/// One endpoint of a connection.
pub(crate) struct Endpoint {
    pub(crate) role: Role,
    pub(crate) socket: FrameSocket,
    blocks: BlockReader,
    activity: Activity,
    pub(crate) windows: Windows,
    pub(crate) streams: BTreeMap<u32, Stream>,
    /// The most requests that were open at once.
    pub(crate) most_open: usize,
    /// PINGs that the peer has not acknowledged.
    pub(crate) pings: usize,
    /// SETTINGS of the peer that are not acknowledged yet.
    unacknowledged_settings: usize,
    pub(crate) replies: Replies,
    pub(crate) received_settings: bool,
    /// The code and the debug data of the peer's last GOAWAY.
    pub(crate) goaway: Option<(u32, Vec<u8>)>,
    /// The last stream in the peer's last GOAWAY: the peer has not processed later ones.
    pub(crate) last_processed: Option<u32>,
    pub(crate) is_closed: bool,
    /// When a frame was sent or received last.
    last_activity: Instant,
}

impl Endpoint {
    /// The endpoint of `socket` that has this role.
    pub(crate) fn new(
        role: Role,
        socket: TcpStream,
        observers: Observers,
        activity: Activity,
    ) -> io::Result<Self> {
        let preface = if role == Role::Server { PREFACE } else { &[] };
        Ok(Self {
            role,
            socket: FrameSocket::new(socket, preface, observers)?,
            blocks: BlockReader::default(),
            activity,
            windows: Windows::new(),
            streams: BTreeMap::new(),
            most_open: 0,
            pings: 0,
            unacknowledged_settings: 0,
            replies: Replies::All,
            received_settings: false,
            goaway: None,
            last_processed: None,
            is_closed: false,
            last_activity: Instant::now(),
        })
    }

    /// Sends the start of the connection: SETTINGS, and before it the preface if this is a client.
    pub(crate) fn send_preface(&mut self, settings: &[(u16, u32)]) {
        if self.role == Role::Client {
            self.socket.send_raw(PREFACE);
        }
        self.send(&Frame::settings(settings));
    }

    /// Buffers a frame.
    pub(crate) fn send(&mut self, frame: &Frame) {
        match frame.kind {
            kind::HEADERS | kind::DATA => {
                self.stream(frame.stream).sent_end |= frame.has(flag::END_STREAM);
            }
            kind::RST_STREAM => self.stream(frame.stream).sent_reset = true,
            kind::PING if !frame.has(flag::ACK) => self.pings += 1,
            _ => {}
        }
        self.socket.send(frame);
    }

    /// Writes what is buffered.
    pub(crate) fn flush(&mut self) {
        if self.socket.flush() {
            self.record_activity();
        }
    }

    /// Half-closes the connection.
    pub(crate) fn half_close(&mut self) {
        self.flush();
        self.socket.half_close();
    }

    /// Acknowledges all SETTINGS that have arrived.
    pub(crate) fn acknowledge_settings(&mut self) {
        for _ in 0..std::mem::take(&mut self.unacknowledged_settings) {
            self.reply(&Frame::new(kind::SETTINGS, flag::ACK, 0, []));
        }
    }

    /// The received requests or responses, in the order of their streams.
    pub(crate) fn received(&self) -> impl Iterator<Item = (u32, &Stream)> {
        self.streams.iter().filter(|(_, stream)| stream.began.is_some()).map(|(id, s)| (*id, s))
    }

    /// Whether the peer accepts no more DATA on this stream.
    pub(crate) fn is_over(&self, stream: u32) -> bool {
        let is_over = |stream: &Stream| match self.role {
            Role::Client => stream.is_complete(),
            Role::Server => stream.received_reset.is_some(),
        };
        self.is_closed || self.streams.get(&stream).is_some_and(is_over)
    }

    /// Waits for one frame and handles it; returns false if none arrived in time. The end of the connection counts as
    /// one frame.
    pub(crate) fn process_frame(&mut self, timeout: Timeout) -> bool {
        self.flush();
        if self.is_closed {
            return false;
        }
        let deadline = match timeout {
            Timeout::At(deadline) => deadline,
            Timeout::Idle(duration) => self.last_activity + duration,
        };
        let received = self.socket.receive(deadline);
        match received {
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => self.is_closed = true,
            Ok(frame) => self.receive(frame),
        }
        self.record_activity();
        self.flush();
        true
    }

    /// Handles frames until `done`; returns false if none arrived in time.
    pub(crate) fn process_until(&mut self, timeout: Timeout, done: impl Fn(&Self) -> bool) -> bool {
        while !done(self) {
            if !self.process_frame(timeout) {
                return false;
            }
        }
        true
    }

    /// Handles frames for this duration, even if the peer ends the connection earlier.
    pub(crate) fn pause(&mut self, duration: Duration) {
        let end = Instant::now() + duration;
        self.activity.pause_until(end);
        while self.process_frame(Timeout::At(end)) {}
        thread::sleep(end.saturating_duration_since(Instant::now()));
    }

    /// Removes the state of a stream that has ended, and returns what was received on it.
    pub(crate) fn forget(&mut self, stream: u32) -> Stream {
        self.windows.forget(stream);
        self.streams.remove(&stream).unwrap_or_default()
    }

    fn record_activity(&mut self) {
        self.last_activity = Instant::now();
        self.activity.record();
    }

    fn stream(&mut self, id: u32) -> &mut Stream {
        self.streams.entry(id).or_default()
    }

    fn reply(&mut self, frame: &Frame) {
        if self.replies != Replies::None {
            self.send(frame);
        }
    }

    fn receive(&mut self, frame: Frame) {
        match frame.kind {
            kind::HEADERS | kind::CONTINUATION => {
                if let Some(block) = self.blocks.take(frame) {
                    self.receive_block(block);
                }
            }
            kind::DATA => self.receive_data(&frame),
            kind::RST_STREAM => {
                let stream = self.stream(frame.stream);
                stream.received_reset = stream.received_reset.or(frame.number(0));
            }
            kind::SETTINGS if !frame.has(flag::ACK) => {
                self.received_settings = true;
                self.windows.apply_settings(&frame.payload);
                self.unacknowledged_settings += 1;
                if self.replies == Replies::All {
                    self.acknowledge_settings();
                }
            }
            kind::PING if !frame.has(flag::ACK) => {
                self.reply(&Frame::new(kind::PING, flag::ACK, 0, frame.payload));
            }
            kind::PING => self.pings = self.pings.saturating_sub(1),
            kind::GOAWAY => {
                let debug = frame.payload.get(8..).unwrap_or_default().to_vec();
                self.last_processed = frame.number(0).map(|stream| stream & 0x7fff_ffff);
                self.goaway = frame.number(4).map(|code| (code, debug));
            }
            kind::WINDOW_UPDATE => {
                self.windows.update(frame.stream, frame.number(0).unwrap_or(0) & 0x7fff_ffff);
            }
            _ => {}
        }
    }

    fn receive_block(&mut self, block: Block) {
        let stream = self.stream(block.stream);
        let is_first = stream.began.is_none();
        stream.began.get_or_insert_with(Instant::now);
        stream.received_end |= block.end_stream;
        match block.fields {
            Ok(fields) => stream.blocks.push(fields),
            Err(error) => stream.malformed = Some(format!("header block: {error}")),
        }
        if is_first {
            let is_open = |stream: &&Stream| {
                stream.began.is_some()
                    && !(stream.sent_end || stream.sent_reset || stream.received_reset.is_some())
            };
            self.most_open = self.most_open.max(self.streams.values().filter(is_open).count());
        }
    }

    fn receive_data(&mut self, frame: &Frame) {
        let stream = self.stream(frame.stream);
        match frame.content() {
            Some(content) => stream.data.extend(content),
            None => stream.malformed = Some("padding of DATA".to_owned()),
        }
        stream.received_end |= frame.has(flag::END_STREAM);
        // Keeps the windows at their size.
        let is_complete = stream.is_complete();
        let Ok(size @ 1..) = u32::try_from(frame.payload.len()) else { return };
        self.reply(&Frame::window_update(0, size));
        if !is_complete {
            self.reply(&Frame::window_update(frame.stream, size));
        }
    }
}

/// Counts events on connections; clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    events: u64,
    pause_ends: Option<Instant>,
}

impl Activity {
    /// Counts an event: a frame, or a connection that begins or ends.
    pub(crate) fn record(&self) {
        self.0.lock().events += 1;
    }

    /// Announces that the script pauses until `time` and then continues.
    pub(crate) fn pause_until(&self, time: Instant) {
        let mut state = self.0.lock();
        state.pause_ends = state.pause_ends.max(Some(time));
    }
}

/// Counts consecutive checks without activity.
///
/// It counts checks instead of measuring time: if a busy machine delays the client, it delays the checks too.
#[derive(Debug)]
pub(crate) struct Quiescence {
    activity: Activity,
    events: u64,
    quiet_checks: u32,
}

impl Quiescence {
    pub(crate) fn of(activity: &Activity) -> Self {
        Self { activity: activity.clone(), events: 0, quiet_checks: 0 }
    }

    /// Checks once more; returns the number of consecutive checks without activity.
    pub(crate) fn check(&mut self) -> u32 {
        let State { events, pause_ends } = *self.activity.0.lock();
        let pauses = pause_ends.is_some_and(|end| end >= Instant::now());
        let is_quiet = events == self.events && !pauses;
        self.events = events;
        self.quiet_checks = if is_quiet { self.quiet_checks + 1 } else { 0 };
        self.quiet_checks
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Activity, Quiescence};

    #[test]
    fn an_event_or_a_pause_interrupts_quiescence() {
        let activity = Activity::default();
        let mut quiescence = Quiescence::of(&activity);
        assert_eq!((quiescence.check(), quiescence.check()), (1, 2));
        activity.record();
        assert_eq!((quiescence.check(), quiescence.check()), (0, 1));
        activity.pause_until(Instant::now() + Duration::from_secs(3600));
        assert_eq!((quiescence.check(), quiescence.check()), (0, 0));
    }
}
