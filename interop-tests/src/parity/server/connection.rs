//! A connection of a probe: a socket, and what a client keeps track of.
//!
//! It reacts to what comes as every client does, whatever the probe is about.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::time::Instant;

use crate::capture::recorder::{ConnectionRecorder, Recorder};
use crate::http2::assembly::{Assembly, Block};
use crate::http2::frame::{Frame, PREFACE, flag, kind};
use crate::http2::pipe::{Arrival, Pipe};
use crate::http2::window::Windows;
use crate::parity::server::response::Answer;

/// See the module.
pub(crate) struct Connection {
    pipe: Pipe,
    assembly: Assembly,
    pub(crate) windows: Windows,
    pub(crate) answers: BTreeMap<u32, Answer>,
    /// SETTINGS that have come and are not acknowledged yet.
    unacknowledged: usize,
    pub(crate) acknowledges: bool,
    pub(crate) settings_seen: bool,
    /// The code and the debug data of the last GOAWAY.
    pub(crate) goaway: Option<(u32, Vec<u8>)>,
    pub(crate) is_closed: bool,
    /// When something came last, or went out.
    pub(crate) last_sign: Instant,
}

impl Connection {
    /// Connects to `address`, `HOST:PORT`; what goes over the connection is taken on `tape`.
    pub(crate) fn open(address: &str, tape: &Recorder) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        let ConnectionRecorder { client, server } = tape.connect();
        let pipe = Pipe::new(socket, client, server)?;
        Ok(Self {
            pipe,
            assembly: Assembly::new(),
            windows: Windows::new(),
            answers: BTreeMap::new(),
            unacknowledged: 0,
            acknowledges: true,
            settings_seen: false,
            goaway: None,
            is_closed: false,
            last_sign: Instant::now(),
        })
    }

    /// What every client says first.
    pub(crate) fn send_preface(&mut self) {
        self.send_raw(PREFACE);
        self.send(&Frame::new(kind::SETTINGS, 0, 0, []));
    }

    /// Appends bytes that are no frame.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.pipe.send_raw(bytes);
    }

    pub(crate) fn send(&mut self, frame: &Frame) {
        self.pipe.send(frame);
        let answer = || Answer::default();
        match frame.kind {
            kind::HEADERS | kind::DATA => {
                let answer = self.answers.entry(frame.stream).or_insert_with(answer);
                answer.request_ended |= frame.has(flag::END_STREAM);
            }
            kind::RST_STREAM => {
                self.answers.entry(frame.stream).or_insert_with(answer).cancelled = true;
            }
            _ => {}
        }
    }

    /// What has been sent, for a failure.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.pipe.sent()
    }

    /// Sends what waits in the buffer.
    pub(crate) fn flush(&mut self) {
        if self.pipe.flush() {
            self.last_sign = Instant::now();
        }
    }

    /// Says that the client will send nothing more.
    pub(crate) fn half_close(&mut self) {
        self.flush();
        self.pipe.half_close();
    }

    /// Waits for one frame until `deadline`, takes notice of it, and reacts as every client does.
    /// Returns whether there was any.
    pub(crate) fn take_notice(&mut self, deadline: Instant) -> bool {
        self.flush();
        if self.is_closed {
            return false;
        }
        match self.pipe.next(deadline) {
            Arrival::Frame(frame) => {
                self.last_sign = Instant::now();
                self.receive(frame);
                self.flush();
                true
            }
            Arrival::Nothing => false,
            Arrival::End => {
                self.last_sign = Instant::now();
                self.is_closed = true;
                true
            }
        }
    }

    /// Takes notice of all that has come already.
    pub(crate) fn catch_up(&mut self) {
        while self.take_notice(Instant::now()) {}
    }

    /// Acknowledges all SETTINGS that have come.
    pub(crate) fn acknowledge(&mut self) {
        for _ in 0..std::mem::take(&mut self.unacknowledged) {
            self.send(&Frame::new(kind::SETTINGS, flag::ACK, 0, []));
        }
    }

    fn receive(&mut self, frame: Frame) {
        match frame.kind {
            kind::HEADERS | kind::CONTINUATION => {
                if let Some(block) = self.assembly.take(frame) {
                    self.end_of_block(block);
                }
            }
            kind::DATA => {
                let content = frame.content().map(<[u8]>::to_vec);
                let answer = self.answers.entry(frame.stream).or_default();
                match content {
                    Some(content) => answer.data.extend(content),
                    None => answer.malformed = Some("padding of DATA".to_owned()),
                }
                answer.end_stream |= frame.has(flag::END_STREAM);
                self.give_back(&frame);
            }
            kind::RST_STREAM => {
                let answer = self.answers.entry(frame.stream).or_default();
                answer.reset = answer.reset.or(frame.number(0));
            }
            kind::SETTINGS if !frame.has(flag::ACK) => self.settings(&frame),
            kind::PING if !frame.has(flag::ACK) => {
                self.send(&Frame::new(kind::PING, flag::ACK, 0, frame.payload));
            }
            kind::GOAWAY => {
                let debug = frame.payload.get(8..).unwrap_or_default().to_vec();
                self.goaway = frame.number(4).map(|code| (code, debug));
            }
            kind::WINDOW_UPDATE => {
                self.windows.give(frame.stream, frame.number(0).unwrap_or(0) & 0x7fff_ffff);
            }
            _ => {}
        }
    }

    fn settings(&mut self, frame: &Frame) {
        self.settings_seen = true;
        self.windows.take_settings(frame);
        self.unacknowledged += 1;
        if self.acknowledges {
            self.acknowledge();
        }
    }

    /// Keeps the server's windows open, as a client does that reads its answers.
    fn give_back(&mut self, frame: &Frame) {
        let Ok(size @ 1..) = u32::try_from(frame.payload.len()) else { return };
        let mut streams = vec![0];
        if self.answers.get(&frame.stream).is_some_and(|answer| !answer.is_complete()) {
            streams.push(frame.stream);
        }
        for stream in streams {
            self.send(&Frame::new(kind::WINDOW_UPDATE, 0, stream, size.to_be_bytes()));
        }
    }

    fn end_of_block(&mut self, block: Block) {
        let answer = self.answers.entry(block.stream).or_default();
        match block.fields {
            Ok(fields) => answer.blocks.push(fields),
            Err(error) => answer.malformed = Some(format!("header block: {error}")),
        }
        answer.end_stream |= block.end_stream;
    }
}
