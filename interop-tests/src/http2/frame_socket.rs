//! A TCP connection that carries frames: a reader thread, a send buffer, and flow-control windows.
//!
//! Frames stay in the buffer until their sender waits for the peer. So consecutive frames arrive together, and
//! whether the peer reacts before it has received the last of them does not depend on the scheduler.

use std::collections::BTreeMap;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::http2::frame::{Frame, setting, settings};

/// How long a write may block while the peer does not read.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many sent frames are listed in a failure message.
const LISTED: usize = 12;

/// Observes the bytes of one direction of a connection, and how the sender ends it.
pub(crate) trait Observer: Send {
    /// These bytes were sent.
    fn bytes(&mut self, _bytes: &[u8]) {}
    /// The sender half-closed the connection.
    fn half_closed(&mut self) {}
    /// The sender reset the connection.
    fn reset(&mut self) {}
    /// The sender closed the connection.
    fn closed(&mut self) {}
}

/// Observes nothing.
impl Observer for () {}

/// The observers of both directions of a connection.
pub(crate) struct Observers {
    pub(crate) sent: Box<dyn Observer>,
    pub(crate) received: Box<dyn Observer>,
}

impl Observers {
    /// Observers that do nothing.
    pub(crate) fn none() -> Self {
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
    /// Reads frames from `socket`. The peer must send `preface` first; otherwise nothing is read.
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
            // A reset is handled like a graceful close: which of the two is observed depends on how much the peer
            // had read.
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

    /// The list of sent frames for a failure message.
    pub(crate) fn sent(&self) -> Vec<String> {
        let mut sent = self.sent.clone();
        if self.sent_count > LISTED {
            sent.push(format!("and {} more frames", self.sent_count - LISTED));
        }
        sent
    }

    /// Writes the buffer; returns false if it was empty.
    pub(crate) fn flush(&mut self) -> bool {
        if self.buffer.is_empty() {
            return false;
        }
        self.observer.bytes(&self.buffer);
        // An error means that the peer has closed the connection, which the reader detects.
        let _ = self.socket.write_all(&self.buffer);
        self.buffer.clear();
        true
    }

    /// Half-closes the connection.
    pub(crate) fn half_close(&mut self) {
        self.flush();
        self.observer.half_closed();
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Waits for a frame until `deadline`. The error is `Disconnected` if the peer has closed or reset the
    /// connection.
    pub(crate) fn receive(&self, deadline: Instant) -> Result<Frame, RecvTimeoutError> {
        self.frames.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// Ends the connection with a reset instead of a graceful close.
    pub(crate) fn reset(mut self) {
        self.observer.reset();
        // The kernel sends a reset when the last copy of a socket with a linger time of zero is closed, so the reader
        // must close its copy first.
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

/// Reads from a socket and reports the bytes to an observer.
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

/// The flow-control windows of a connection and its streams, for sending.
#[derive(Debug)]
pub(crate) struct Windows {
    connection: i64,
    initial: i64,
    /// The difference between each stream's window and the initial one.
    streams: BTreeMap<u32, i64>,
}

/// The initial size of all windows (RFC 9113, section 6.9.2).
const INITIAL: i64 = 65_535;

impl Windows {
    pub(crate) fn new() -> Self {
        Self { connection: INITIAL, initial: INITIAL, streams: BTreeMap::new() }
    }

    /// The number of bytes that may be sent on `stream` now.
    pub(crate) fn available(&self, stream: u32) -> usize {
        let window = self.initial + self.streams.get(&stream).copied().unwrap_or_default();
        usize::try_from(window.min(self.connection)).unwrap_or(0)
    }

    /// Consumes `size` bytes, the length of a DATA frame sent on `stream`.
    pub(crate) fn consume(&mut self, stream: u32, size: usize) {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        self.connection -= size;
        *self.streams.entry(stream).or_default() -= size;
    }

    /// Removes the window of a stream that has ended.
    pub(crate) fn forget(&mut self, stream: u32) {
        self.streams.remove(&stream);
    }

    /// Applies a WINDOW_UPDATE; stream 0 is the connection.
    pub(crate) fn update(&mut self, stream: u32, size: u32) {
        if stream == 0 {
            self.connection += i64::from(size);
        } else {
            *self.streams.entry(stream).or_default() += i64::from(size);
        }
    }

    /// Applies the payload of a SETTINGS frame; a new initial size changes the windows of open streams too.
    pub(crate) fn apply_settings(&mut self, payload: &[u8]) {
        for (id, value) in settings(payload) {
            if id == setting::INITIAL_WINDOW_SIZE {
                self.initial = i64::from(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Windows;

    fn initial_window(size: u32) -> Vec<u8> {
        [&[0, 4][..], &size.to_be_bytes()].concat()
    }

    #[test]
    fn the_smaller_window_limits() {
        let mut windows = Windows::new();
        windows.consume(1, 65_000);
        assert_eq!((windows.available(1), windows.available(3)), (535, 535));
        windows.update(0, 1_000);
        assert_eq!((windows.available(1), windows.available(3)), (535, 1_535));
        windows.update(1, 2_000);
        assert_eq!(windows.available(1), 1_535);
    }

    #[test]
    fn settings_change_the_windows_of_open_streams_but_not_that_of_the_connection() {
        let mut windows = Windows::new();
        windows.consume(1, 100);
        windows.apply_settings(&initial_window(40));
        assert_eq!((windows.available(1), windows.available(3)), (0, 40));
        windows.update(1, 70);
        assert_eq!(windows.available(1), 10, "from a window of -60");
        windows.apply_settings(&initial_window(1 << 20));
        assert_eq!(windows.available(3), 65_435);
    }
}
