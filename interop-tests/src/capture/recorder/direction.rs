//! Parses the bytes of one direction of a connection into events.
//!
//! A read can end at any byte, so the parser keeps its state between reads. The first bytes decide
//! whether the direction carries HTTP/2, TLS or something else.

use std::collections::BTreeMap;
use std::mem;

use crate::capture::dissection::frame::IncomingFrame;
use crate::capture::dissection::messages::{MessageParser, fill};
use crate::capture::recorder::recording::{Recorded, Recorder};
use crate::capture::trace::{Bytes, EventKind, KEPT, TlsRecord};
use crate::http2::frame::{PREFACE, flag, kind};
use crate::http2::{Block, BlockReader, Frame, FrameHeader, Observer, Observers, Role};

/// Records both directions of a connection.
pub(crate) struct ConnectionRecorder {
    pub(crate) client: DirectionRecorder,
    pub(crate) server: DirectionRecorder,
}

/// Records what one side of a connection sends.
pub(crate) struct DirectionRecorder {
    recorder: Recorder,
    connection: usize,
    sender: Role,
    state: State,
    /// The bytes of a preface or a header that is not complete.
    pending: Vec<u8>,
    /// The unfinished messages, by stream.
    messages: BTreeMap<u32, MessageParser>,
    blocks: BlockReader,
    is_half_closed: bool,
}

/// What the next byte belongs to.
enum State {
    /// The first bytes, which show the protocol.
    Start,
    FrameHeader,
    Payload(IncomingFrame),
    /// A TLS record of whose content this many bytes are missing; at 0 another record starts.
    Tls(usize),
    /// Neither HTTP/2 nor TLS.
    Other,
}

impl Recorder {
    /// Starts to record a connection that a client has opened.
    pub(crate) fn connect(&self) -> ConnectionRecorder {
        let connection = self.open_connection();
        self.count(|stats| stats.open_connection(connection));
        let direction = |sender| DirectionRecorder {
            recorder: self.clone(),
            connection,
            sender,
            state: State::Start,
            pending: Vec::new(),
            messages: BTreeMap::new(),
            blocks: BlockReader::default(),
            is_half_closed: false,
        };
        ConnectionRecorder { client: direction(Role::Client), server: direction(Role::Server) }
    }
}

impl ConnectionRecorder {
    /// The recorders as observers of the endpoint that has this role.
    pub(crate) fn observers(self, role: Role) -> Observers {
        let (client, server) = (Box::new(self.client), Box::new(self.server));
        match role {
            Role::Client => Observers { sent: client, received: server },
            Role::Server => Observers { sent: server, received: client },
        }
    }
}

impl Observer for DirectionRecorder {
    fn bytes(&mut self, mut bytes: &[u8]) {
        let input = &mut bytes;
        while !input.is_empty() {
            self.state = match mem::replace(&mut self.state, State::Other) {
                State::Start => self.start(input),
                State::FrameHeader => match self.header::<{ FrameHeader::SIZE }>(input) {
                    // A frame without a payload is complete now.
                    Some(header) => self.payload(IncomingFrame::new(&header), input),
                    None => State::FrameHeader,
                },
                State::Payload(frame) => self.payload(frame, input),
                State::Tls(0) => match self.header(input).map(TlsRecord::new) {
                    Some(record) => {
                        let length = record.length;
                        self.add(EventKind::TlsRecord(record));
                        State::Tls(length)
                    }
                    None => State::Tls(0),
                },
                State::Tls(missing) => {
                    let content = input.split_off(..missing.min(input.len())).unwrap_or_default();
                    State::Tls(missing - content.len())
                }
                State::Other => {
                    self.add_bytes(mem::take(input));
                    State::Other
                }
            };
        }
    }

    fn half_closed(&mut self) {
        if !mem::replace(&mut self.is_half_closed, true) {
            self.end(EventKind::HalfClosed);
        }
    }

    fn reset(&mut self) {
        self.end(EventKind::Reset);
    }

    fn closed(&mut self) {
        self.end(EventKind::Closed);
    }
}

impl DirectionRecorder {
    fn start(&mut self, input: &mut &[u8]) -> State {
        const HTTP_1: &[u8] = b"HTTP/";
        // A server starts with a frame of any kind, so the only start to be known is that of HTTP/1.
        let known = if self.sender == Role::Client { PREFACE } else { HTTP_1 };
        fill(&mut self.pending, known.len(), input);
        let may_become_known = known.starts_with(&self.pending) || self.pending.len() < 2;
        if self.pending.len() < known.len() && may_become_known {
            return State::Start;
        }
        let start = mem::take(&mut self.pending);
        match (self.sender, start == known) {
            _ if is_tls(&start) => self.resume(State::Tls(0), &start),
            (Role::Client, true) => {
                self.add(EventKind::Preface(Bytes::new(PREFACE, KEPT)));
                State::FrameHeader
            }
            (Role::Server, false) => self.resume(State::FrameHeader, &start),
            _ => {
                self.add_bytes(&[&start[..], mem::take(input)].concat());
                State::Other
            }
        }
    }

    /// Parses the first bytes again, now that the protocol is known.
    fn resume(&mut self, state: State, start: &[u8]) -> State {
        self.state = state;
        self.bytes(start);
        mem::replace(&mut self.state, State::Other)
    }

    /// Takes bytes off `input` until `N` are pending.
    fn header<const N: usize>(&mut self, input: &mut &[u8]) -> Option<[u8; N]> {
        fill(&mut self.pending, N, input);
        let header = self.pending[..].try_into().ok()?;
        self.pending.clear();
        Some(header)
    }

    fn payload(&mut self, mut frame: IncomingFrame, input: &mut &[u8]) -> State {
        let (header, offset) = (frame.header, frame.payload.length);
        let missing = header.length - offset;
        let part = input.split_off(..missing.min(input.len())).unwrap_or_default();
        // A header block has to be decoded as a whole.
        frame.payload.extend(part, if header.carries_block() { usize::MAX } else { KEPT });
        if header.kind == kind::DATA
            && let Some(content) = frame.content()
        {
            let start = content.start.clamp(offset, offset + part.len());
            let end = content.end.clamp(start, offset + part.len());
            let (data, position) = (&part[start - offset..end - offset], FrameHeader::SIZE + start);
            let parser = self.messages.entry(header.stream).or_default();
            parser.parse(data, position, &mut frame.messages);
        }
        if frame.is_whole() {
            self.finish_frame(frame);
            State::FrameHeader
        } else {
            State::Payload(frame)
        }
    }

    /// Records a frame, whole or cut off.
    fn finish_frame(&mut self, mut frame: IncomingFrame) {
        let header = frame.header;
        if header.kind == kind::DATA {
            let end = frame.content().map_or(0, |content| FrameHeader::SIZE + content.end);
            let parser = self.messages.entry(header.stream).or_default();
            parser.finish_frame(end, &mut frame.messages);
        }
        if header.kind == kind::RST_STREAM || header.ends_stream() {
            self.messages.remove(&header.stream);
        }
        let block = self.decode_block(&frame);
        if frame.is_whole() {
            self.recorder.count(|stats| {
                stats.add_frame(self.connection, self.sender, &frame, block.as_ref());
            });
        }
        frame.payload.truncate(KEPT);
        self.add(Recorded::Frame(frame, block.map(|block| block.fields)));
    }

    /// Decodes the header block that ends with `frame`.
    fn decode_block(&mut self, frame: &IncomingFrame) -> Option<Block> {
        let header = frame.header;
        if !frame.is_whole() || !header.carries_block() {
            return None;
        }
        let FrameHeader { kind, flags, stream, .. } = header;
        let whole = Frame::new(kind, flags, stream, frame.payload.kept.clone());
        let block = self.blocks.take(whole);
        let error = "its padding is longer than the frame, or HEADERS is missing before it";
        let failed = Block { stream, end_stream: false, fields: Err(error.to_owned()) };
        block.or_else(|| header.has(flag::END_HEADERS).then_some(failed))
    }

    /// Records what was sent of a frame that will not be completed.
    fn cut_off(&mut self) {
        let pending = mem::take(&mut self.pending);
        match mem::replace(&mut self.state, State::Other) {
            State::Payload(frame) => self.finish_frame(frame),
            _ if pending.is_empty() => {}
            State::FrameHeader => self.finish_frame(IncomingFrame::new(&pending)),
            _ => self.add_bytes(&pending),
        }
    }

    fn end(&mut self, how: EventKind) {
        self.cut_off();
        self.recorder.count(|stats| stats.end_connection(self.connection, self.sender));
        self.add(how);
    }

    fn add_bytes(&self, bytes: &[u8]) {
        self.add(EventKind::Bytes(Bytes::new(bytes, KEPT)));
    }

    fn add(&self, what: impl Into<Recorded>) {
        self.recorder.add(self.connection, self.sender, what);
    }
}

impl Drop for DirectionRecorder {
    fn drop(&mut self) {
        self.cut_off();
    }
}

/// Whether these are the first bytes of a TLS handshake or alert.
fn is_tls(start: &[u8]) -> bool {
    matches!(start, [0x15 | 0x16, 3, ..])
}
