//! What a probe does on its connection, action by action.
//!
//! A script has no branches: the same bytes go to every server, as far as flow control lets them.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use crate::http2::any_frame;
use crate::http2::body;
use crate::http2::frame::{Frame, flag, kind};
use crate::http2::header_block;
use crate::parity::server::action::Action;
use crate::parity::server::connection::Connection;
use crate::parity::server::probe::{Acknowledge, End, Probe};
use crate::parity::server::quiescence::QUIET;
use crate::parity::server::request;
use crate::parity::server::response::Answer;

/// The largest DATA and HEADERS frames that every server takes.
const MAX_FRAME_SIZE: usize = 16_384;

/// A probe while it is played.
pub(crate) struct Script<'a> {
    probe: &'a Probe,
    pub(crate) connection: Connection,
    body: Vec<u8>,
    /// How much of the body has been sent on each stream.
    offsets: BTreeMap<u32, usize>,
    next_stream: u32,
    /// Whether a client may make another call on the connection.
    pub(crate) may_go_on: bool,
    /// Whether the client has said that it will end the connection.
    pub(crate) said_goodbye: bool,
}

impl<'a> Script<'a> {
    pub(crate) fn new(probe: &'a Probe, connection: Connection) -> Self {
        Self {
            probe,
            connection,
            body: body::bytes(&probe.body),
            offsets: BTreeMap::new(),
            next_stream: 1,
            may_go_on: true,
            said_goodbye: false,
        }
    }

    /// Plays all actions, without waiting for what comes of the last one.
    pub(crate) fn play(&mut self) {
        self.begin();
        let probe = self.probe;
        let mut streams: Vec<_> = (0..probe.times).map(|_| self.new_stream()).collect();
        if probe.together {
            for action in &probe.actions {
                for stream in &mut streams {
                    self.act(action, stream);
                }
            }
        } else {
            for stream in &mut streams {
                probe.actions.iter().for_each(|action| self.act(action, stream));
            }
        }
        if probe.acknowledge_settings == Acknowledge::After {
            self.connection.acknowledges = true;
            self.connection.acknowledge();
        }
        self.connection.flush();
    }

    fn begin(&mut self) {
        let connection = &mut self.connection;
        connection.acknowledges = self.probe.acknowledge_settings == Acknowledge::Before;
        match &self.probe.preface {
            Some(preface) => {
                connection.send_raw(&preface.0);
                self.may_go_on = false;
            }
            None => connection.send_preface(),
        }
        if connection.acknowledges && self.may_go_on {
            let deadline = Instant::now() + Duration::from_secs(10);
            while !connection.settings_seen && connection.take_notice(deadline) {}
        }
    }

    /// An ID that has not been used.
    pub(crate) fn new_stream(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        stream
    }

    fn act(&mut self, action: &Action, stream: &mut u32) {
        match action {
            Action::Headers => self.headers(*stream),
            Action::Body => self.rest_of_body(*stream),
            Action::BodyTo(end) => {
                let end = (*end).min(self.body.len());
                self.part_of_body(*stream, end, false);
            }
            Action::End => {
                self.connection.send(&Frame::new(kind::DATA, flag::END_STREAM, *stream, []));
            }
            Action::Reset(code) => {
                let payload = code.to_be_bytes();
                self.connection.send(&Frame::new(kind::RST_STREAM, 0, *stream, payload));
            }
            Action::Goaway(code) => {
                self.connection.send(&any_frame::goaway(0, *code, &[]));
                self.may_go_on = false;
                self.said_goodbye = true;
            }
            Action::Ping(times) => {
                for _ in 0..*times {
                    self.connection.send(&Frame::new(kind::PING, 0, 0, *b"parity!!"));
                }
            }
            Action::Settings(settings) => {
                self.connection.send(&any_frame::settings(settings));
            }
            Action::Frame(any) => {
                self.connection.send(&any.frame(*stream));
            }
            Action::Answer => self.wait_for_answer(*stream),
            Action::WaitMs(milliseconds) => {
                self.connection.flush();
                thread::sleep(Duration::from_millis(*milliseconds));
                self.connection.catch_up();
            }
            Action::NextStream => *stream = self.new_stream(),
            Action::HalfClose => {
                self.connection.half_close();
                self.may_go_on = false;
                self.said_goodbye = true;
            }
        }
    }

    fn headers(&mut self, stream: u32) {
        let block = header_block::encode(&request::headers(&self.probe.headers));
        let end = if self.probe.end == End::Headers { flag::END_STREAM } else { 0 };
        self.header_frames(stream, &block, end);
    }

    fn header_frames(&mut self, stream: u32, block: &[u8], flags: u8) {
        let room = self.probe.fragments.unwrap_or(MAX_FRAME_SIZE - 1 - 5 - 255).max(1);
        let mut first = Frame::new(kind::HEADERS, flags, stream, []);
        if self.probe.priority {
            // Exclusively dependent on nothing, with the default weight.
            first.payload.extend([0x80, 0, 0, 0, 15]);
            first.flags |= flag::PRIORITY;
        }
        let mut frames = header_block::frames(first, block, room);
        if let (Some(padding), Some(first)) = (self.probe.pad_headers, frames.first_mut()) {
            *first = first.clone().padded(padding);
        }
        for frame in &frames {
            self.connection.send(frame);
        }
    }

    fn rest_of_body(&mut self, stream: u32) {
        if self.probe.end == End::Headers {
            return;
        }
        let end_stream = self.probe.end == End::LastFrame;
        if !self.part_of_body(stream, self.body.len(), end_stream) {
            return;
        }
        match self.probe.end {
            End::EmptyFrame => {
                self.connection.send(&Frame::new(kind::DATA, flag::END_STREAM, stream, []));
            }
            End::Trailers => {
                let block = header_block::encode(&request::trailers(&self.probe.trailers));
                self.header_frames(stream, &block, flag::END_STREAM);
            }
            End::LastFrame | End::Headers | End::Never => {}
        }
    }

    /// Sends the body up to byte `end`; false when the server does not want all of it.
    fn part_of_body(&mut self, stream: u32, end: usize, end_stream: bool) -> bool {
        let begin = self.offsets.insert(stream, end).unwrap_or(0);
        let body = std::mem::take(&mut self.body);
        let part = body.get(begin..end).unwrap_or_default();
        let frames = self.probe.cut.frames(part, MAX_FRAME_SIZE - 256, end_stream);
        let last = frames.len().wrapping_sub(1);
        let wanted = frames
            .into_iter()
            .enumerate()
            .all(|(index, content)| self.data(stream, content, end_stream && index == last));
        self.body = body;
        wanted
    }

    /// Sends DATA as the server's window opens; false when it stays closed.
    fn data(&mut self, stream: u32, mut content: &[u8], end_stream: bool) -> bool {
        let overhead = self.probe.pad.map_or(0, |padding| 1 + usize::from(padding));
        loop {
            let room = self.connection.windows.room(stream).saturating_sub(overhead);
            let (now, later) = content.split_at(room.min(content.len()));
            if !now.is_empty() || later.is_empty() {
                let end = if end_stream && later.is_empty() { flag::END_STREAM } else { 0 };
                let frame = Frame::new(kind::DATA, end, stream, now);
                let frame = match self.probe.pad {
                    Some(padding) => frame.padded(padding),
                    None => frame,
                };
                self.connection.windows.take(stream, frame.payload.len());
                self.connection.send(&frame);
            }
            if later.is_empty() {
                return true;
            }
            content = later;
            // A client stops when its call is over; it would wait for ever otherwise.
            let quiet = self.connection.last_sign + QUIET;
            if !self.connection.take_notice(quiet) || self.is_over(stream) {
                return false;
            }
        }
    }

    fn is_over(&self, stream: u32) -> bool {
        let answers = &self.connection.answers;
        self.connection.is_closed || answers.get(&stream).is_some_and(Answer::is_complete)
    }

    fn wait_for_answer(&mut self, stream: u32) {
        while !self.is_over(stream) {
            let quiet = self.connection.last_sign + QUIET;
            if !self.connection.take_notice(quiet) {
                return;
            }
        }
    }
}
