//! What the scripted server does on one connection, action by action.
//!
//! A script has no branches: the same bytes go to every client, as far as flow control lets them.

use std::thread;
use std::time::{Duration, Instant};

use crate::http2::any_frame::{goaway, settings};
use crate::http2::frame::{Frame, flag, kind};
use crate::http2::header_block;
use crate::http2::header_block::Field;
use crate::parity::client::action::{Action, Block, Goaway};
use crate::parity::client::response::Response;
use crate::parity::client::scripted_connection::{LIMIT, ScriptedConnection};
use crate::parity::client::table::{Behaviour, End};

/// The largest frame that every client takes.
const MAX_FRAME_SIZE: usize = 16_384;

/// A behaviour while it is played on one connection.
pub(crate) struct Script<'a> {
    behaviour: &'a Behaviour,
    response: Response,
    conversation: ScriptedConnection,
    has_said_preface: bool,
    /// The stream that is answered, which is the client's first until one has come.
    stream: u32,
    /// How many requests have been taken up.
    taken: usize,
    /// Whether only the HEADERS of the last one have been waited for.
    has_headers_only: bool,
    /// How much of the body has been sent on this stream.
    offset: usize,
    /// Whether the connection ends with a reset.
    aborts: bool,
}

impl<'a> Script<'a> {
    pub(crate) fn new(behaviour: &'a Behaviour, conversation: ScriptedConnection) -> Self {
        Self {
            behaviour,
            response: Response::of(behaviour),
            conversation,
            has_said_preface: false,
            stream: 1,
            taken: 0,
            has_headers_only: false,
            offset: 0,
            aborts: false,
        }
    }

    /// What has been sent, for a failure.
    pub(crate) fn told(&self) -> Vec<String> {
        self.conversation.told()
    }

    /// Plays all actions; false when the connection has come to its end.
    pub(crate) fn play(&mut self, actions: &[Action]) -> bool {
        let taken = self.taken;
        for action in actions {
            self.act(action);
            if self.conversation.is_closed {
                return false;
            }
        }
        self.conversation.flush();
        // Without an action that waits for it, a request is answered by what is done when it comes.
        if self.taken == taken {
            self.taken = self.taken.max(self.conversation.requests());
        }
        true
    }

    /// Waits until a request comes that has not been taken up; false when none will.
    pub(crate) fn wait_for_more(&mut self) -> bool {
        let limit = Instant::now() + LIMIT;
        while self.conversation.requests() <= self.taken {
            if !self.conversation.take_notice(limit) {
                return false;
            }
        }
        !self.conversation.is_closed
    }

    /// Ends the connection, of whose socket there is no other copy.
    pub(crate) fn leave(self) {
        if self.aborts {
            self.conversation.abort();
        }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Preface => self.preface(),
            Action::Request => self.take_up_request(true),
            Action::RequestHeaders => self.take_up_request(false),
            Action::Headers => {
                let end = self.behaviour.trailers_only || self.behaviour.end == End::Headers;
                let fields = std::mem::take(&mut self.response.headers);
                self.block(&fields, end);
                self.response.headers = fields;
            }
            Action::Body => {
                self.body_to(self.response.body.len(), self.behaviour.end == End::Body);
            }
            Action::BodyTo(end) => self.body_to(*end, false),
            Action::Trailers => {
                let fields = std::mem::take(&mut self.response.trailers);
                self.block(&fields, self.behaviour.end == End::Trailers);
                self.response.trailers = fields;
            }
            Action::Block(block) => self.block(&Block::fields(block), block.end_stream),
            Action::End => self.send(kind::DATA, flag::END_STREAM, &[]),
            Action::Reset(code) => self.send(kind::RST_STREAM, 0, &code.to_be_bytes()),
            Action::Goaway(Goaway { code, last_stream, debug }) => {
                let last = last_stream.unwrap_or(self.stream);
                self.conversation.send(&goaway(last, *code, &debug.0));
            }
            Action::Ping(times) => {
                for _ in 0..*times {
                    self.conversation.send(&Frame::new(kind::PING, 0, 0, *b"parity!!"));
                }
            }
            Action::PingsAcknowledged => {
                let limit = Instant::now() + LIMIT;
                while !self.conversation.has_all_pings_back() {
                    if !self.conversation.take_notice(limit) {
                        self.conversation.is_closed = true;
                        return;
                    }
                }
            }
            Action::Settings(pairs) => self.conversation.send(&settings(pairs)),
            Action::WindowUpdate(size) => {
                for stream in [0, self.stream] {
                    let payload = size.to_be_bytes();
                    self.conversation.send(&Frame::new(kind::WINDOW_UPDATE, 0, stream, payload));
                }
            }
            Action::Frame(any) => self.conversation.send(&any.frame(self.stream)),
            Action::Raw(bytes) => self.conversation.send_raw(&bytes.0),
            Action::WaitMs(milliseconds) => {
                let until = Instant::now() + Duration::from_millis(*milliseconds);
                self.conversation.rest_until(until);
                // A client that has gone ends the reading early; the wait is for others.
                thread::sleep(until.saturating_duration_since(Instant::now()));
            }
            Action::Close => {
                self.conversation.half_close();
                self.wait_for_the_end();
            }
            Action::Abort => {
                self.conversation.flush();
                self.aborts = true;
                self.conversation.is_closed = true;
            }
            Action::Silence => {
                self.conversation.flush();
                self.conversation.is_polite = false;
                self.wait_for_the_end();
            }
        }
    }

    fn preface(&mut self) {
        if std::mem::replace(&mut self.has_said_preface, true) {
            return;
        }
        match &self.behaviour.preface {
            Some(preface) => {
                self.conversation.send_raw(&preface.0);
                self.conversation.is_polite = false;
            }
            None => self.conversation.send(&settings(&self.behaviour.settings)),
        }
    }

    /// Waits for the next request, or for its HEADERS when it need not be `whole`.
    fn take_up_request(&mut self, whole: bool) {
        let limit = Instant::now() + LIMIT;
        // After its HEADERS have been waited for, its end can be.
        let is_same = whole && self.has_headers_only;
        let index = if is_same { self.taken - 1 } else { self.taken };
        loop {
            if let Some((stream, ended)) = self.conversation.request(index) {
                self.stream = stream;
                if ended || !whole {
                    break;
                }
            }
            if !self.conversation.take_notice(limit) {
                self.conversation.is_closed = true;
                return;
            }
        }
        self.taken = index + 1;
        self.has_headers_only = !whole;
        if !is_same {
            self.offset = 0;
        }
    }

    fn wait_for_the_end(&mut self) {
        let limit = Instant::now() + LIMIT;
        while !self.conversation.is_closed && self.conversation.take_notice(limit) {}
        self.conversation.is_closed = true;
    }

    fn send(&mut self, kind: u8, flags: u8, payload: &[u8]) {
        self.conversation.send(&Frame::new(kind, flags, self.stream, payload));
    }

    fn block(&mut self, fields: &[Field], end_stream: bool) {
        let flags = if end_stream { flag::END_STREAM } else { 0 };
        let first = Frame::new(kind::HEADERS, flags, self.stream, []);
        let block = header_block::encode(fields);
        let room = self.behaviour.fragments.unwrap_or(MAX_FRAME_SIZE - 256);
        let mut frames = header_block::frames(first, &block, room);
        if let (Some(padding), Some(first)) = (self.behaviour.pad_headers, frames.first_mut()) {
            *first = first.clone().padded(padding);
        }
        for frame in &frames {
            self.conversation.send(frame);
        }
    }

    /// Sends the body up to byte `end`, as far as the client wants it.
    fn body_to(&mut self, end: usize, end_stream: bool) {
        let body = std::mem::take(&mut self.response.body);
        let end = end.min(body.len());
        let part = body.get(self.offset..end).unwrap_or_default();
        self.offset = end;
        let frames = self.behaviour.cut.frames(part, MAX_FRAME_SIZE - 256, end_stream);
        let last = frames.len().wrapping_sub(1);
        for (index, content) in frames.into_iter().enumerate() {
            if !self.data(content, end_stream && index == last) {
                break;
            }
        }
        self.response.body = body;
    }

    /// Sends DATA as the client's window opens; false when it stays closed.
    fn data(&mut self, mut content: &[u8], end_stream: bool) -> bool {
        let overhead = self.behaviour.pad.map_or(0, |padding| 1 + usize::from(padding));
        let limit = Instant::now() + LIMIT;
        loop {
            let room = self.conversation.windows.room(self.stream).saturating_sub(overhead);
            let (now, later) = content.split_at(room.min(content.len()));
            if !now.is_empty() || later.is_empty() {
                let end = if end_stream && later.is_empty() { flag::END_STREAM } else { 0 };
                let frame = Frame::new(kind::DATA, end, self.stream, now);
                let frame = match self.behaviour.pad {
                    Some(padding) => frame.padded(padding),
                    None => frame,
                };
                self.conversation.windows.take(self.stream, frame.payload.len());
                self.conversation.send(&frame);
            }
            if later.is_empty() {
                return true;
            }
            content = later;
            if !self.conversation.take_notice(limit) || self.conversation.is_over(self.stream) {
                return false;
            }
        }
    }
}
