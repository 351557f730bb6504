//! A call whose message is only partially sent, so it stays in flight until the test sends the rest.
//!
//! The call consists of hand-written frames, because no client library reports that the server has received a call.
//! Here the acknowledgement of a ping after the call shows it, because the frames of a connection are read in order.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use grpc_interop::http2::frame::flag::{ACK, END_HEADERS, END_STREAM};
use grpc_interop::http2::frame::kind::{DATA, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS};
use grpc_interop::http2::frame::{Frame, PREFACE};

use crate::raw_call::request_headers;
use crate::support::LIMIT;

const CONNECTION: u32 = 0;
const CALL: u32 = 1;

/// `Number(value=16)` after the gRPC prefix of five bytes.
const MESSAGE: [u8; 10] = [0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x41];
/// The length of the first part, which ends in the middle of the value.
const CUT: usize = 8;

/// A call of `Calculator.SquareRoot` that the server has partially received.
#[derive(Debug)]
pub(crate) struct HalfSentCall {
    connection: TcpStream,
}

/// The response: the message, and the encoded trailers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) message: Vec<u8>,
    pub(crate) trailers: Vec<u8>,
}

impl HalfSentCall {
    /// Sends the first part and waits until the server has received it.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let mut call = Self::connect(server);
        call.write(HEADERS, END_HEADERS, CALL, &request_headers("localhost"));
        call.write(DATA, 0, CALL, &MESSAGE[..CUT]);
        call.write(PING, 0, CONNECTION, b"received");
        while !matches!(call.read(), Frame { kind: PING, flags: ACK, .. }) {}
        call
    }

    /// Connects like an idle client, without a call.
    pub(crate) fn connect(server: SocketAddr) -> Self {
        let connection = TcpStream::connect(server).expect("cannot connect to the server");
        connection.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
        connection.set_nodelay(true).expect("cannot set TCP_NODELAY");
        let mut call = Self { connection };
        call.connection.write_all(PREFACE).expect("cannot write to the connection");
        call.write(SETTINGS, 0, CONNECTION, &[]);
        call
    }

    /// Waits until the server announces with GOAWAY that it accepts no further calls.
    pub(crate) fn wait_for_goaway(&mut self) {
        self.wait_for(GOAWAY);
    }

    /// Waits for a frame of this kind, and returns its payload.
    pub(crate) fn wait_for(&mut self, kind: u8) -> Vec<u8> {
        loop {
            let frame = self.read();
            if frame.kind == kind {
                return frame.payload;
            }
        }
    }

    /// Waits for a ping of the server, and acknowledges it.
    pub(crate) fn answer_ping(&mut self) {
        while !matches!(self.read(), Frame { kind: PING, flags: 0, .. }) {}
    }

    /// Whether the server sends anything within `time`.
    pub(crate) fn receives_within(&mut self, time: Duration) -> bool {
        self.connection.set_read_timeout(Some(time)).expect("cannot set the timeout");
        let received = self.connection.peek(&mut [0]);
        self.connection.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
        received.is_ok_and(|length| length > 0)
    }

    /// The connection, which acknowledges nothing any more.
    pub(crate) fn into_connection(self) -> TcpStream {
        self.connection
    }

    /// Sends the rest and waits for the complete response.
    pub(crate) fn finish(&mut self) -> Reply {
        self.write(DATA, END_STREAM, CALL, &MESSAGE[CUT..]);
        let mut message = Vec::new();
        loop {
            let frame = self.read();
            match (frame.kind, frame.stream) {
                (DATA, CALL) => message.extend(frame.payload),
                (HEADERS, CALL) if frame.has(END_STREAM) => {
                    return Reply { message, trailers: frame.payload };
                }
                (RST_STREAM, CALL) => panic!("the call was reset: {:?}", frame.payload),
                _ => {}
            }
        }
    }

    /// Acknowledges pings, like any client, until the server closes the connection.
    pub(crate) fn wait_until_closed(&mut self) {
        while self.try_read().is_some() {}
    }

    fn read(&mut self) -> Frame {
        self.try_read().expect("the connection was closed")
    }

    /// Reads the next frame, and acknowledges settings and pings.
    fn try_read(&mut self) -> Option<Frame> {
        let frame = match Frame::read_from(&mut self.connection) {
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                panic!("the connection is open, and nothing was received")
            }
            read => read.ok()??,
        };
        match frame.kind {
            SETTINGS if !frame.has(ACK) => self.write(SETTINGS, ACK, CONNECTION, &[]),
            PING if !frame.has(ACK) => self.write(PING, ACK, CONNECTION, &frame.payload),
            _ => {}
        }
        Some(frame)
    }

    fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let mut bytes = Vec::new();
        Frame::new(kind, flags, stream, payload).write_to(&mut bytes);
        // If the server has exited, reading its response fails.
        let _ = self.connection.write_all(&bytes);
    }
}
