//! A call whose message is only half sent: in flight for as long as a test wants.
//!
//! Written in frames by hand, because no client library says when its server has seen a call. Here
//! a ping behind the call does: a connection's frames are read in order.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::LIMIT;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

/// `ACK` of settings and pings, `END_STREAM` of everything else.
const LAST: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

const CONNECTION: u32 = 0;
const CALL: u32 = 1;

/// `Number(value=16)` behind gRPC's five bytes of length; it is cut in the middle of the value.
const MESSAGE: [u8; 10] = [0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x41];
const CUT: usize = 8;

/// A call of `Calculator.SquareRoot` that the server has begun to receive.
#[derive(Debug)]
pub(crate) struct HalfSentCall {
    connection: TcpStream,
}

/// What the server answered: the message, and the trailers in the encoding of a fresh connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) message: Vec<u8>,
    pub(crate) trailers: Vec<u8>,
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl HalfSentCall {
    /// Returns when the server has seen it.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let mut call = Self::connect(server);
        call.write(HEADERS, END_HEADERS, CALL, &request_headers());
        call.write(DATA, 0, CALL, &MESSAGE[..CUT]);
        call.write(PING, 0, CONNECTION, b"received");
        while !matches!(call.read(), Frame { kind: PING, flags: LAST, .. }) {}
        call
    }

    /// The connection without the call: all that an idle client has sent.
    pub(crate) fn connect(server: SocketAddr) -> Self {
        let connection = TcpStream::connect(server).expect("the server listens");
        connection.set_read_timeout(Some(LIMIT)).expect("a limit above zero");
        connection.set_nodelay(true).expect("a TCP socket");
        let mut call = Self { connection };
        call.connection.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("a connection");
        call.write(SETTINGS, 0, CONNECTION, &[]);
        call
    }

    /// Waits until the server has said that it takes no further calls.
    pub(crate) fn wait_for_goaway(&mut self) {
        while self.read().kind != GOAWAY {}
    }

    /// Sends the rest and waits for the whole reply.
    pub(crate) fn finish(&mut self) -> Reply {
        self.write(DATA, LAST, CALL, &MESSAGE[CUT..]);
        let mut message = Vec::new();
        loop {
            let frame = self.read();
            match (frame.kind, frame.stream) {
                (DATA, CALL) => message.extend(frame.payload),
                (HEADERS, CALL) if frame.flags & LAST != 0 => {
                    return Reply { message, trailers: frame.payload };
                }
                (RST_STREAM, CALL) => panic!("the call was reset: {:?}", frame.payload),
                _ => {}
            }
        }
    }

    /// Answers pings, as any client does, until the server closes the connection.
    pub(crate) fn wait_until_closed(&mut self) {
        while self.try_read().is_some() {}
    }

    fn read(&mut self) -> Frame {
        self.try_read().expect("the connection was closed or went silent")
    }

    /// The next frame; settings and pings are acknowledged.
    fn try_read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.connection.read_exact(&mut head).ok()?;
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = head;
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        let mut payload = vec![0; usize::try_from(length).ok()?];
        self.connection.read_exact(&mut payload).ok()?;
        match kind {
            SETTINGS if flags & LAST == 0 => self.write(SETTINGS, LAST, CONNECTION, &[]),
            PING if flags & LAST == 0 => self.write(PING, LAST, CONNECTION, &payload),
            _ => {}
        }
        Some(Frame { kind, flags, stream: u32::from_be_bytes([s0, s1, s2, s3]), payload })
    }

    fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a short frame");
        let frame = [&length.to_be_bytes()[1..], &[kind, flags], &stream.to_be_bytes(), payload];
        // A server that has gone is noticed by whoever waits for its answer.
        let _ = self.connection.write_all(&frame.concat());
    }
}

/// In HPACK's plainest form: no table, no compression.
fn request_headers() -> Vec<u8> {
    let headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/Calculator/SquareRoot"),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("a short text");
        [&[length], text.as_bytes()].concat()
    };
    headers.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}
