//! A TCP connection that carries frames: a reader thread and a send buffer.
//!
//! Frames stay in the buffer until their sender waits for the peer. So a few frames arrive in one piece,
//! and whether the peer acts before it has seen the last of them does not depend on the scheduler.

use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::http2::frame::Frame;

/// How long a write may block while the peer does not read.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many sent frames a failure message lists.
const LISTED: usize = 12;

/// Observes the bytes of one direction of a connection, and how the sender ends it.
pub trait Observer: Send {
    fn bytes(&mut self, _bytes: &[u8]) {}
    fn half_closed(&mut self) {}
    fn reset(&mut self) {}
    fn closed(&mut self) {}
}

/// Observes nothing.
impl Observer for () {}

/// The observers of both directions of a connection.
pub struct Observers {
    pub sent: Box<dyn Observer>,
    pub received: Box<dyn Observer>,
}

impl Observers {
    /// Observers that do nothing.
    pub fn none() -> Self {
        Self { sent: Box::new(()), received: Box::new(()) }
    }
}

/// A TCP connection that carries frames.
pub(crate) struct FrameSocket {
    socket: TcpStream,
    observer: Box<dyn Observer>,
    frames: Receiver<Frame>,
    reader: Option<JoinHandle<()>>,
    buffer: Vec<u8>,
    sent: Vec<String>,
    sent_count: usize,
}

impl FrameSocket {
    /// Reads frames from `socket`, whose peer has to send `preface` first; without it, nothing is read.
    pub(crate) fn new(
        socket: TcpStream,
        preface: &'static [u8],
        Observers { sent: observer, received }: Observers,
    ) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let (sender, frames) = mpsc::channel();
        let reader = ObservedReader { socket: socket.try_clone()?, observer: received };
        let reader = thread::spawn(move || {
            let mut input = BufReader::new(reader);
            let mut first = vec![0; preface.len()];
            if input.read_exact(&mut first).is_err() || first != preface {
                return;
            }
            // A reset is handled like an orderly end: which of the two is seen depends on what the
            // peer had left unread.
            while let Ok(Some(frame)) = Frame::read_from(&mut input) {
                if sender.send(frame).is_err() {
                    break;
                }
            }
        });
        let (buffer, sent) = (Vec::new(), Vec::new());
        Ok(Self { socket, observer, frames, reader: Some(reader), buffer, sent, sent_count: 0 })
    }

    /// Buffers bytes that are not a frame.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
    }

    /// Buffers a frame.
    pub(crate) fn send(&mut self, frame: &Frame) {
        self.sent_count += 1;
        if self.sent.len() < LISTED {
            self.sent.push(frame.to_string());
        }
        frame.write_to(&mut self.buffer);
    }

    /// The sent frames as a failure message lists them.
    pub(crate) fn sent(&self) -> Vec<String> {
        let mut sent = self.sent.clone();
        if self.sent_count > LISTED {
            sent.push(format!("and {} more frames", self.sent_count - LISTED));
        }
        sent
    }

    /// Writes the buffer; returns false when it was empty.
    pub(crate) fn flush(&mut self) -> bool {
        if self.buffer.is_empty() {
            return false;
        }
        self.observer.bytes(&self.buffer);
        // It is no error to write to a connection that the peer has closed: the reader finds its end.
        let _ = self.socket.write_all(&self.buffer);
        self.buffer.clear();
        true
    }

    /// Closes the connection in the direction of the peer.
    pub(crate) fn half_close(&mut self) {
        self.flush();
        self.observer.half_closed();
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Waits for a frame until `deadline`; the connection is disconnected when the peer has closed or
    /// reset it.
    pub(crate) fn receive(&self, deadline: Instant) -> Result<Frame, RecvTimeoutError> {
        self.frames.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// Ends the connection with a reset instead of an orderly close.
    pub(crate) fn reset(mut self) {
        self.observer.reset();
        // The kernel sends a reset when the last copy of a socket without linger time is closed, so
        // the reader has to close its copy first.
        let _ = socket2::SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
        self.stop_reading(Shutdown::Read);
    }

    fn stop_reading(&mut self, how: Shutdown) {
        let _ = self.socket.shutdown(how);
        let _ = self.reader.take().map(JoinHandle::join);
    }
}

impl Drop for FrameSocket {
    fn drop(&mut self) {
        if self.reader.is_some() {
            self.observer.closed();
            self.stop_reading(Shutdown::Both);
        }
    }
}

/// Reads from a socket and reports what it reads to an observer.
struct ObservedReader {
    socket: TcpStream,
    observer: Box<dyn Observer>,
}

impl Read for ObservedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.socket.read(buffer);
        match &read {
            Ok(0) if !buffer.is_empty() => self.observer.half_closed(),
            Ok(count) => self.observer.bytes(&buffer[..*count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => self.observer.reset(),
            Err(_) => {}
        }
        read
    }
}
