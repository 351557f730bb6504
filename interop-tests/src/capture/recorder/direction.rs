//! What one side of a connection says, cut into frames as the bytes come in.
//!
//! A read can end anywhere. What language is spoken is told by the first bytes: HTTP/2, TLS, or
//! neither.

use std::collections::BTreeMap;

use crate::capture::recorder::event::{HEADER, KEPT, Kept, RawFrame, RawWhat, Sender};
use crate::capture::recorder::messages::Body;
use crate::capture::recorder::recording::Recorder;
use crate::http2::endpoint::Role;
use crate::http2::frame::{PREFACE, flag, kind};
use crate::http2::frame_socket::{Observer, Observers};

/// How many bytes are kept of a frame that carries a header block: later blocks refer to it.
const KEPT_OF_BLOCK: usize = 64 * 1024;

/// The length of a TLS record's header.
const TLS_HEADER: usize = 5;

/// See the module.
#[derive(Debug)]
pub struct DirectionRecorder {
    tape: Recorder,
    connection: usize,
    from: Sender,
    reading: Reading,
    /// Messages that have begun, by stream.
    bodies: BTreeMap<u32, Body>,
    has_ended: bool,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum Reading {
    /// The first words, by which the language is known.
    Beginning(Vec<u8>),
    Header(Vec<u8>),
    Payload(RawFrame),
    TlsHeader(Vec<u8>),
    /// How much of a record is still to come.
    TlsContent(usize),
    NoFrames,
}

/// Both directions of a connection.
#[derive(Debug)]
pub struct ConnectionRecorder {
    pub client: DirectionRecorder,
    pub server: DirectionRecorder,
}

impl Recorder {
    /// Starts to record a connection that a client has opened.
    pub fn connect(&self) -> ConnectionRecorder {
        let connection = self.register_connection();
        self.add(connection, Sender::Client, RawWhat::Opened);
        let direction = |from| DirectionRecorder::new(self.clone(), connection, from);
        ConnectionRecorder { client: direction(Sender::Client), server: direction(Sender::Server) }
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
    fn bytes(&mut self, bytes: &[u8]) {
        self.take(bytes);
    }

    fn half_closed(&mut self) {
        self.half_close();
    }

    fn reset(&mut self) {
        Self::reset(self);
    }

    fn closed(&mut self) {
        self.close();
    }
}

impl DirectionRecorder {
    pub fn new(tape: Recorder, connection: usize, from: Sender) -> Self {
        let (reading, bodies) = (Reading::Beginning(Vec::new()), BTreeMap::new());
        Self { tape, connection, from, reading, bodies, has_ended: false }
    }

    /// The next bytes that this side says.
    pub fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match std::mem::replace(&mut self.reading, Reading::NoFrames) {
                Reading::Beginning(said) => self.beginning(said, bytes),
                Reading::Header(header) => self.header(header, bytes),
                Reading::Payload(frame) => self.payload(frame, bytes),
                Reading::TlsHeader(header) => self.tls_header(header, bytes),
                Reading::TlsContent(missing) => {
                    let here = missing.min(bytes.len());
                    self.reading = match missing - here {
                        0 => Reading::TlsHeader(Vec::new()),
                        missing => Reading::TlsContent(missing),
                    };
                    &bytes[here..]
                }
                Reading::NoFrames => {
                    self.no_frames(bytes);
                    &[]
                }
            };
        }
    }

    /// This side says nothing more.
    pub fn half_close(&mut self) {
        self.cut_off();
        if !std::mem::replace(&mut self.has_ended, true) {
            self.tape.ends(self.connection, self.from, RawWhat::HalfClosed);
        }
    }

    /// This side has reset the connection. How the other one then sees it end is no event.
    pub fn reset(&mut self) {
        self.cut_off();
        self.tape.ends(self.connection, self.from, RawWhat::Reset);
        self.tape.is_over(self.connection);
    }

    /// This side has closed the connection. How the other one then sees it end is no event.
    pub fn close(&mut self) {
        self.cut_off();
        self.tape.ends(self.connection, self.from, RawWhat::Closed);
        self.tape.is_over(self.connection);
    }

    fn beginning<'a>(&mut self, mut said: Vec<u8>, bytes: &'a [u8]) -> &'a [u8] {
        const HTTP_1: &[u8] = b"HTTP/";
        // What is no first word of a server is one of a client, and the other way round.
        let first_words = if self.from == Sender::Client { PREFACE } else { HTTP_1 };
        let here = (first_words.len() - said.len()).min(bytes.len());
        said.extend(&bytes[..here]);
        if said.len() < first_words.len() && first_words.starts_with(&said) {
            self.reading = Reading::Beginning(said);
        } else if is_tls(&said) {
            self.reading = Reading::TlsHeader(Vec::new());
            self.take(&said);
        } else if said == first_words && self.from == Sender::Client {
            self.add(RawWhat::Preface);
            self.reading = Reading::Header(Vec::new());
        } else if said == first_words || self.from == Sender::Client {
            self.no_frames(&[&said, &bytes[here..]].concat());
            return &[];
        } else {
            self.reading = Reading::Header(Vec::new());
            self.take(&said);
        }
        &bytes[here..]
    }

    fn header<'a>(&mut self, mut header: Vec<u8>, bytes: &'a [u8]) -> &'a [u8] {
        let here = (HEADER - header.len()).min(bytes.len());
        header.extend(&bytes[..here]);
        if header.len() < HEADER {
            self.reading = Reading::Header(header);
            return &bytes[here..];
        }
        let frame = RawFrame {
            header,
            payload: Kept::default(),
            messages: Vec::new(),
            more_messages: 0,
            begun: None,
        };
        // One without a payload ends here.
        self.payload(frame, &bytes[here..])
    }

    fn payload<'a>(&mut self, mut frame: RawFrame, bytes: &'a [u8]) -> &'a [u8] {
        let offset = frame.payload.length;
        let (here, rest) = bytes.split_at((frame.length() - offset).min(bytes.len()));
        let is_of_block = matches!(frame.kind(), kind::HEADERS | kind::CONTINUATION);
        frame.payload.add(here, if is_of_block { KEPT_OF_BLOCK } else { KEPT });
        if frame.kind() == kind::DATA {
            self.data(here, offset, &mut frame);
        }
        if frame.is_whole() {
            self.reading = Reading::Header(Vec::new());
            self.end_of_frame(frame);
        } else {
            self.reading = Reading::Payload(frame);
        }
        rest
    }

    /// Follows the messages in a part of the payload of DATA, without the padding.
    fn data(&mut self, part: &[u8], offset: usize, frame: &mut RawFrame) {
        let content = match frame.payload.bytes.first() {
            Some(padding) if frame.flags() & flag::PADDED != 0 => {
                1..frame.length().saturating_sub(usize::from(*padding))
            }
            _ => 0..frame.length(),
        };
        let start = content.start.clamp(offset, offset + part.len());
        let end = content.end.clamp(start, offset + part.len());
        if start < end {
            let body = self.bodies.entry(frame.stream()).or_default();
            body.take(&part[start - offset..end - offset], start, frame);
        }
    }

    fn end_of_frame(&mut self, mut frame: RawFrame) {
        let stream = frame.stream();
        if frame.kind() == kind::DATA {
            frame.begun = self.bodies.get_mut(&stream).and_then(Body::begun);
        }
        let is_end = match frame.kind() {
            kind::DATA => frame.begun.is_none() || frame.flags() & flag::END_STREAM != 0,
            kind::HEADERS => frame.flags() & flag::END_STREAM != 0,
            other => other == kind::RST_STREAM,
        };
        if is_end {
            self.bodies.remove(&stream);
        }
        self.add(RawWhat::Frame(frame));
    }

    fn tls_header<'a>(&mut self, mut header: Vec<u8>, bytes: &'a [u8]) -> &'a [u8] {
        let here = (TLS_HEADER - header.len()).min(bytes.len());
        header.extend(&bytes[..here]);
        self.reading = match <[u8; TLS_HEADER]>::try_from(&header[..]) {
            Ok(header) => {
                self.add(RawWhat::TlsRecord(header));
                Reading::TlsContent(usize::from(u16::from_be_bytes([header[3], header[4]])))
            }
            Err(_) => Reading::TlsHeader(header),
        };
        &bytes[here..]
    }

    fn no_frames(&mut self, bytes: &[u8]) {
        let mut kept = Kept::default();
        kept.add(bytes, KEPT);
        self.add(RawWhat::Bytes(kept));
    }

    /// Keeps what has come of a frame that will not come to its end.
    fn cut_off(&mut self) {
        match std::mem::replace(&mut self.reading, Reading::NoFrames) {
            Reading::Header(header) if !header.is_empty() => self.add(RawWhat::Frame(RawFrame {
                header,
                payload: Kept::default(),
                messages: Vec::new(),
                more_messages: 0,
                begun: None,
            })),
            Reading::Payload(mut frame) => {
                frame.begun = self.bodies.get_mut(&frame.stream()).and_then(Body::begun);
                self.add(RawWhat::Frame(frame));
            }
            Reading::Beginning(said) | Reading::TlsHeader(said) if !said.is_empty() => {
                self.no_frames(&said);
            }
            _ => {}
        }
    }

    fn add(&self, what: RawWhat) {
        self.tape.add(self.connection, self.from, what);
    }
}

impl Drop for DirectionRecorder {
    fn drop(&mut self) {
        self.cut_off();
    }
}

/// Whether a connection that begins so is encrypted: a handshake or an alert of SSL 3 and up.
fn is_tls(said: &[u8]) -> bool {
    matches!(said, [0x15 | 0x16, 3, ..])
}
