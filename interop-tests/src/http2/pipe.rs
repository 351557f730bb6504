//! A socket that carries frames: a reader in a thread of its own, and a buffer for what goes out.
//!
//! Frames wait in the buffer until whoever sends them has to wait himself. So a few frames reach the
//! other side in one piece, and whether it acts before it has seen the last of them is not left to
//! the scheduler. What goes either way is taken on a tape.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::capture::recorder::DirectionRecorder;
use crate::http2::frame::Frame;

/// How long the other side may leave a full socket unread.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// How many of the frames sent are told in a failure.
const TOLD: usize = 12;

/// See the module.
#[derive(Debug)]
pub struct Pipe {
    socket: TcpStream,
    said: DirectionRecorder,
    frames: Receiver<Frame>,
    reader: Option<JoinHandle<()>>,
    out: Vec<u8>,
    sent: Vec<String>,
    sent_count: usize,
}

/// What has come.
pub enum Arrival {
    Frame(Frame),
    /// Nothing will come any more.
    End,
    /// Nothing has come until the deadline.
    Nothing,
}

impl Pipe {
    /// A pipe whose other side sends frames from the first byte on. What is `said` here and what is
    /// `heard` of the other side is taken.
    pub fn new(
        socket: TcpStream,
        said: DirectionRecorder,
        heard: DirectionRecorder,
    ) -> io::Result<Self> {
        Self::reading_behind(&[], socket, said, heard)
    }

    /// A pipe whose other side has to say `preface` first; without it nothing is read.
    pub fn reading_behind(
        preface: &'static [u8],
        socket: TcpStream,
        said: DirectionRecorder,
        heard: DirectionRecorder,
    ) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(WRITE_LIMIT))?;
        let (sender, frames) = mpsc::channel();
        let mut input = BufReader::new(Heard { socket: socket.try_clone()?, track: heard });
        let reader = thread::spawn(move || {
            let mut first = vec![0; preface.len()];
            if input.read_exact(&mut first).is_err() || first != preface {
                return;
            }
            // A reset of the connection is an end like any other: which of the two is seen depends
            // on what the other side had left unread.
            while let Ok(Some(frame)) = Frame::read_from(&mut input) {
                if sender.send(frame).is_err() {
                    break;
                }
            }
        });
        let (out, sent) = (Vec::new(), Vec::new());
        Ok(Self { socket, said, frames, reader: Some(reader), out, sent, sent_count: 0 })
    }

    /// Appends bytes that are no frame.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.out.extend(bytes);
    }

    pub fn send(&mut self, frame: &Frame) {
        self.sent_count += 1;
        if self.sent.len() < TOLD {
            self.sent.push(frame.to_string());
        }
        frame.write_to(&mut self.out);
    }

    /// What has been sent, for a failure.
    pub fn sent(&self) -> Vec<String> {
        let mut sent = self.sent.clone();
        if self.sent_count > TOLD {
            sent.push(format!("and {} more frames", self.sent_count - TOLD));
        }
        sent
    }

    /// Sends what waits in the buffer; false when there was nothing.
    pub fn flush(&mut self) -> bool {
        if self.out.is_empty() {
            return false;
        }
        self.said.record(&self.out);
        // Writing to a connection that the other side has closed is no error of the script: the
        // end is what the reader finds.
        let _ = self.socket.write_all(&self.out);
        self.out.clear();
        true
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&mut self) {
        self.flush();
        self.said.half_close();
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Waits for a frame until `deadline`.
    pub fn next(&self, deadline: Instant) -> Arrival {
        match self.frames.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(frame) => Arrival::Frame(frame),
            Err(RecvTimeoutError::Timeout) => Arrival::Nothing,
            Err(RecvTimeoutError::Disconnected) => Arrival::End,
        }
    }

    /// Ends the connection with a reset instead of an orderly end.
    pub fn reset(&mut self) {
        self.said.reset();
        // The kernel sends a reset when a socket with no time to linger is closed, which is when
        // the last copy of it is: so the reader has to let go of its own first.
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
        let _ = self.socket.shutdown(Shutdown::Read);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        self.said.close();
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = reader.join();
    }
}

/// A socket whose bytes are taken as they are read.
struct Heard {
    socket: TcpStream,
    track: DirectionRecorder,
}

impl Read for Heard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.socket.read(buffer);
        match &read {
            Ok(0) if !buffer.is_empty() => self.track.half_close(),
            Ok(count) => self.track.record(&buffer[..*count]),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => self.track.reset(),
            Err(_) => {}
        }
        read
    }
}
