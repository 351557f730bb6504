//! One connection of a client, from the server's side: what every server keeps track of.
//!
//! It acknowledges what has to be, whatever the behaviour is about, until it is told to be silent.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::capture::recorder::ConnectionRecorder;
use crate::http2::assembly::{Assembly, Block};
use crate::http2::frame::{Frame, PREFACE, flag, kind};
use crate::http2::pipe::{Arrival, Pipe};
use crate::http2::window::Windows;
use crate::parity::client::activity::Activity;
use crate::parity::client::requests::{Request, Sent};

/// When a client that never comes to an end is given up.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// See the module.
pub(crate) struct ScriptedConnection {
    pipe: Pipe,
    assembly: Assembly,
    pub(crate) windows: Windows,
    /// Which of the stage's connections this is.
    number: usize,
    sent: Sent,
    pulse: Activity,
    /// The streams of this connection, each with its request's place in `sent`.
    streams: Vec<Stream>,
    /// PINGs that have not been acknowledged.
    pings: usize,
    /// Whether what comes is answered with what HTTP/2 demands.
    pub(crate) is_polite: bool,
    pub(crate) is_closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    id: u32,
    request: usize,
    ended: bool,
    cancelled: bool,
    /// Whether the server has sent all that it will.
    answered: bool,
}

impl ScriptedConnection {
    pub(crate) fn new(
        number: usize,
        socket: TcpStream,
        sent: Sent,
        pulse: Activity,
        tracks: ConnectionRecorder,
    ) -> io::Result<Self> {
        let ConnectionRecorder { client, server } = tracks;
        Ok(Self {
            pipe: Pipe::reading_behind(PREFACE, socket, server, client)?,
            assembly: Assembly::new(),
            windows: Windows::new(),
            number,
            sent,
            pulse,
            streams: Vec::new(),
            pings: 0,
            is_polite: true,
            is_closed: false,
        })
    }

    pub(crate) fn send(&mut self, frame: &Frame) {
        match frame.kind {
            kind::PING if !frame.has(flag::ACK) => {
                self.pings += 1;
                self.sent.count_ping();
            }
            kind::HEADERS | kind::DATA | kind::RST_STREAM => {
                let is_last = frame.kind == kind::RST_STREAM || frame.has(flag::END_STREAM);
                if let Some(stream) = self.stream(frame.stream).filter(|_| is_last) {
                    stream.answered = true;
                }
            }
            _ => {}
        }
        self.pipe.send(frame);
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.pipe.send_raw(bytes);
    }

    pub(crate) fn flush(&mut self) {
        if self.pipe.flush() {
            self.pulse.beat();
        }
    }

    /// Takes notice until `time`, when the script goes on by itself.
    pub(crate) fn rest_until(&mut self, time: Instant) {
        self.pulse.rests_until(time);
        while self.take_notice(time) {}
    }

    /// What has been sent, for a failure.
    pub(crate) fn told(&self) -> Vec<String> {
        self.pipe.sent()
    }

    pub(crate) fn half_close(&mut self) {
        self.pipe.half_close();
    }

    pub(crate) fn abort(mut self) {
        self.pipe.reset();
    }

    /// Whether all PINGs have been acknowledged.
    pub(crate) fn has_all_pings_back(&self) -> bool {
        self.pings == 0
    }

    /// How many requests have come.
    pub(crate) fn requests(&self) -> usize {
        self.streams.len()
    }

    /// The stream of request number `index`, and whether that has come to its end.
    pub(crate) fn request(&self, index: usize) -> Option<(u32, bool)> {
        self.streams.get(index).map(|stream| (stream.id, stream.ended || stream.cancelled))
    }

    /// Whether the client does not listen on this stream any more.
    pub(crate) fn is_over(&self, id: u32) -> bool {
        let is_cancelled = |stream: &Stream| stream.id == id && stream.cancelled;
        self.is_closed || self.streams.iter().any(is_cancelled)
    }

    /// Waits for one frame until `deadline` and reacts to it; false when there was none.
    pub(crate) fn take_notice(&mut self, deadline: Instant) -> bool {
        self.flush();
        if self.is_closed {
            return false;
        }
        match self.pipe.next(deadline) {
            Arrival::Frame(frame) => {
                self.pulse.beat();
                self.receive(frame);
                self.flush();
                true
            }
            Arrival::End => {
                self.is_closed = true;
                true
            }
            Arrival::Nothing => false,
        }
    }

    fn receive(&mut self, frame: Frame) {
        match frame.kind {
            kind::HEADERS | kind::CONTINUATION => {
                if let Some(block) = self.assembly.take(frame) {
                    self.begin_request(block);
                }
            }
            kind::DATA => self.receive_data(&frame),
            kind::RST_STREAM => {
                if let Some(stream) = self.stream(frame.stream) {
                    stream.cancelled = true;
                }
            }
            kind::SETTINGS if !frame.has(flag::ACK) => {
                self.windows.take_settings(&frame);
                self.answer(&Frame::new(kind::SETTINGS, flag::ACK, 0, []));
            }
            kind::PING if !frame.has(flag::ACK) => {
                self.answer(&Frame::new(kind::PING, flag::ACK, 0, frame.payload));
            }
            kind::PING if self.pings > 0 => {
                self.pings -= 1;
                self.sent.count_acknowledgement();
            }
            kind::WINDOW_UPDATE => {
                self.windows.give(frame.stream, frame.number(0).unwrap_or(0) & 0x7fff_ffff);
            }
            _ => {}
        }
    }

    fn answer(&mut self, frame: &Frame) {
        if self.is_polite {
            self.pipe.send(frame);
        }
    }

    fn stream(&mut self, id: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }

    fn begin_request(&mut self, block: Block) {
        let (fields, malformed) = match block.fields {
            Ok(fields) => (fields, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let mut requests = self.sent.requests();
        if let Some(known) = self.streams.iter_mut().find(|stream| stream.id == block.stream) {
            // Trailers.
            known.ended |= block.end_stream;
            if let Some(request) = requests.get_mut(known.request) {
                request.ended |= block.end_stream;
            }
            return;
        }
        let (request, ended) = (requests.len(), block.end_stream);
        let (body, connection) = (Vec::new(), self.number);
        requests.push(Request { fields, malformed, body, ended, connection });
        drop(requests);
        let (cancelled, answered) = (false, false);
        self.streams.push(Stream { id: block.stream, request, ended, cancelled, answered });
        let is_open = |stream: &&Stream| !stream.cancelled && !stream.answered;
        self.sent.count_open(self.streams.iter().filter(is_open).count());
    }

    fn receive_data(&mut self, frame: &Frame) {
        let end = frame.has(flag::END_STREAM);
        let Some(stream) = self.stream(frame.stream) else { return };
        stream.ended |= end;
        let place = stream.request;
        if let Some(request) = self.sent.requests().get_mut(place) {
            request.body.extend(frame.content().unwrap_or_default());
            request.ended |= end;
        }
        let Ok(size @ 1..) = u32::try_from(frame.payload.len()) else { return };
        for id in [0, frame.stream] {
            self.answer(&Frame::new(kind::WINDOW_UPDATE, 0, id, size.to_be_bytes()));
        }
    }
}
