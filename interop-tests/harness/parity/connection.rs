//! A connection of a probe: a socket, and what a client keeps track of.
//!
//! Frames wait in a buffer until the script comes to a point where it has to wait itself. So a
//! request of a few frames reaches the server in one piece, and whether the server answers before it
//! has seen the end of the request is not left to the scheduler.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::frame::{Frame, flag, kind};
use super::header_block::Decoder;
use super::window::Windows;

/// How long the server may leave a full socket unread.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// How many of the frames sent are told in a failure.
const TOLD: usize = 12;

const SETTINGS_INITIAL_WINDOW_SIZE: u16 = 4;

/// See the module.
pub(crate) struct Connection {
    socket: TcpStream,
    frames: Receiver<Frame>,
    reader: Option<JoinHandle<()>>,
    out: Vec<u8>,
    decoder: Decoder,
    /// A header block that CONTINUATION goes on with: its first frame and what has come so far.
    block: Option<(Frame, Vec<u8>)>,
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
    sent: Vec<String>,
    sent_count: usize,
}

impl Connection {
    /// Connects to `address`, `HOST:PORT`.
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(WRITE_LIMIT))?;
        let (sender, frames) = mpsc::channel();
        let mut input = BufReader::new(socket.try_clone()?);
        let reader = thread::spawn(move || {
            // A reset of the connection is an end like any other: which of the two a client sees
            // depends on what the server had left unread.
            while let Ok(Some(frame)) = Frame::read_from(&mut input) {
                if sender.send(frame).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            socket,
            frames,
            reader: Some(reader),
            out: Vec::new(),
            decoder: Decoder::new(),
            block: None,
            windows: Windows::new(),
            answers: BTreeMap::new(),
            unacknowledged: 0,
            acknowledges: true,
            settings_seen: false,
            goaway: None,
            is_closed: false,
            last_sign: Instant::now(),
            sent: Vec::new(),
            sent_count: 0,
        })
    }

    /// What every client says first.
    pub(crate) fn send_preface(&mut self) {
        self.send_raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        self.send(&Frame::new(kind::SETTINGS, 0, 0, []));
    }

    /// Appends bytes that are no frame.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.out.extend(bytes);
    }

    pub(crate) fn send(&mut self, frame: &Frame) {
        self.sent_count += 1;
        if self.sent.len() < TOLD {
            self.sent.push(frame.to_string());
        }
        frame.write_to(&mut self.out);
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
        let mut sent = self.sent.clone();
        if self.sent_count > TOLD {
            sent.push(format!("and {} more frames", self.sent_count - TOLD));
        }
        sent
    }

    /// Sends what waits in the buffer.
    pub(crate) fn flush(&mut self) {
        if self.out.is_empty() {
            return;
        }
        // Writing to a connection that the server has closed is no error of the probe: the end is
        // what the reader finds.
        let _ = self.socket.write_all(&self.out);
        self.out.clear();
        self.last_sign = Instant::now();
    }

    /// Says that the client will send nothing more.
    pub(crate) fn half_close(&mut self) {
        self.flush();
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Waits for one frame until `deadline`, takes notice of it, and reacts as every client does.
    /// Returns whether there was any.
    pub(crate) fn take_notice(&mut self, deadline: Instant) -> bool {
        self.flush();
        if self.is_closed {
            return false;
        }
        match self.frames.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(frame) => {
                self.last_sign = Instant::now();
                self.receive(frame);
                self.flush();
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
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
            kind::HEADERS => {
                let content = frame.content().map(<[u8]>::to_vec);
                self.block = content.map(|content| (frame, content));
                self.end_of_block_after(0);
            }
            kind::CONTINUATION => {
                if let Some((_, block)) = &mut self.block {
                    block.extend(&frame.payload);
                }
                self.end_of_block_after(frame.flags);
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
        for setting in frame.payload.chunks_exact(6) {
            let [a, b, value @ ..] = setting else { continue };
            if u16::from_be_bytes([*a, *b]) == SETTINGS_INITIAL_WINDOW_SIZE
                && let Ok(value) = <[u8; 4]>::try_from(value)
            {
                self.windows.set_initial(u32::from_be_bytes(value));
            }
        }
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

    /// Decodes the block if its last frame, which has `flags` beside the first frame's, has come.
    fn end_of_block_after(&mut self, flags: u8) {
        let Some((first, block)) = self.block.take() else { return };
        if (first.flags | flags) & flag::END_HEADERS == 0 {
            self.block = Some((first, block));
            return;
        }
        let fields = self.decoder.decode(&block);
        let answer = self.answers.entry(first.stream).or_default();
        match fields {
            Ok(fields) => answer.blocks.push(fields),
            Err(error) => answer.malformed = Some(format!("header block: {error}")),
        }
        answer.end_stream |= first.has(flag::END_STREAM);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
