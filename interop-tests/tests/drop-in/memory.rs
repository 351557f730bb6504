//! `calculator-server --message-memory` limits the memory that clients can make it hold.
//!
//! The calls consist of hand-written frames: a client library would neither leave messages unfinished nor keep its
//! window closed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use grpc_interop::http2::frame::flag::{ACK, END_HEADERS, END_STREAM};
use grpc_interop::http2::frame::kind::{DATA, HEADERS, PING, SETTINGS};
use grpc_interop::http2::frame::{Frame, PREFACE};
use grpc_interop::http2::header_block::Decoder;

use crate::raw_call::{self, FOUR, headers_of, request_headers};
use crate::support::{LIMIT, Server};

/// The largest message, which grpcio accepts.
const LARGEST: usize = 4 * 1024 * 1024;

/// The size of the first part of a message. Five of them are within the first window of a connection.
const PART: usize = 8 * 1024;

/// How many messages of a connection wait for memory; see `connection_limits.rs`.
const MAX_WAITING: u32 = 3;

fn start(arguments: &[&str]) -> Server {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    Server::ready(command.args(["--address", "127.0.0.1:0"]).args(arguments))
}

/// A connection with calls, whose responses are collected.
struct Client {
    connection: TcpStream,
    decoder: Decoder,
    /// The status messages of the streams whose response has ended.
    ended: BTreeMap<u32, String>,
    data: BTreeMap<u32, usize>,
}

impl Client {
    /// Connects with this payload of SETTINGS.
    fn connect(server: &Server, settings: &[u8]) -> Self {
        let connection = TcpStream::connect(server.address).expect("cannot connect");
        connection.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
        let mut client = Self {
            connection,
            decoder: Decoder::default(),
            ended: BTreeMap::new(),
            data: BTreeMap::new(),
        };
        client.connection.write_all(PREFACE).expect("cannot write to the connection");
        client.send(&[Frame::new(SETTINGS, 0, 0, settings)]);
        client
    }

    fn send(&mut self, frames: &[Frame]) {
        let mut bytes = Vec::new();
        for frame in frames {
            frame.write_to(&mut bytes);
        }
        self.connection.write_all(&bytes).expect("cannot write to the connection");
    }

    /// Starts SquareRoot on each stream with the first part of a message of this length.
    fn start_messages(&mut self, length: usize, streams: impl Iterator<Item = u32>) {
        let mut part = vec![0; PART];
        let length = u32::try_from(length).expect("a short message");
        part[1..5].copy_from_slice(&length.to_be_bytes());
        for stream in streams {
            let headers = request_headers("localhost");
            self.send(&[
                Frame::new(HEADERS, END_HEADERS, stream, headers),
                Frame::new(DATA, 0, stream, part.clone()),
            ]);
        }
    }

    /// Makes a call with a small message.
    fn root_of_16(&mut self, stream: u32) {
        let message = [0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x41];
        self.send(&[
            Frame::new(HEADERS, END_HEADERS, stream, request_headers("localhost")),
            Frame::new(DATA, END_STREAM, stream, message),
        ]);
        self.read_until(|client| client.ended.contains_key(&stream));
        assert_eq!(self.data.get(&stream), Some(&FOUR.len()), "the small call failed");
    }

    /// Waits until the server has processed what was sent.
    fn ping(&mut self) {
        self.send(&[Frame::new(PING, 0, 0, b"received".to_vec())]);
        while !matches!(self.read(), Frame { kind: PING, flags: ACK, .. }) {}
    }

    fn read_until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            self.read();
        }
    }

    fn read(&mut self) -> Frame {
        let frame = Frame::read_from(&mut self.connection).expect("nothing was received in time");
        let frame = frame.expect("the server has closed the connection");
        match frame.kind {
            SETTINGS if !frame.has(ACK) => self.send(&[Frame::new(SETTINGS, ACK, 0, [])]),
            HEADERS => {
                let fields = self.decoder.decode(&frame.payload).expect("the fields are invalid");
                let message = fields.into_iter().find(|(name, _)| name == b"grpc-message");
                let message = message.map(|(_, text)| String::from_utf8_lossy(&text).into_owned());
                if frame.has(END_STREAM) {
                    self.ended.insert(frame.stream, message.unwrap_or_default());
                }
            }
            DATA => *self.data.entry(frame.stream).or_default() += frame.payload.len(),
            _ => {}
        }
        frame
    }
}

/// The most memory that the server has used, in MiB.
fn peak(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.id()));
    let status = status.expect("the server does not run");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<usize>().ok()).expect("VmHWM is missing") / 1024
}

#[test]
fn unfinished_messages_wait_for_memory_and_small_calls_do_not() {
    let server = start(&["--message-memory", "8"]);
    let mut client = Client::connect(&server, &[]);
    // One message gets its memory, others wait, and the last one would be too many.
    let last = 2 * (1 + MAX_WAITING) + 1;
    client.start_messages(LARGEST, (1..=last).step_by(2));
    client.read_until(|client| !client.ended.is_empty());
    let (stream, status) = client.ended.pop_first().expect("a call has ended");
    assert_eq!(stream, last, "{status}");
    assert!(status.contains("--message-memory is 8 MiB"), "{status}");
    client.root_of_16(last + 2);
    let other = TcpStream::connect(server.address).expect("cannot connect");
    assert_eq!(raw_call::root_of_16(other, "localhost").expect("the call failed"), FOUR);
    assert!(client.ended.keys().eq(&[last + 2]), "no other call ends");
    assert!(peak(&server) < 64, "{} MiB", peak(&server));
}

#[test]
fn responses_that_the_client_does_not_accept_need_little_memory() {
    let server = start(&["--streaming", "--message-memory", "8"]);
    let no_window = [0, 4, 0, 0, 0, 0];
    let mut client = Client::connect(&server, &no_window);
    for stream in (1..200).step_by(2) {
        let headers = headers_of("/StreamingCalculator/Exchange", "localhost");
        // A payload of 16 MiB.
        let message = [0, 0, 0, 0, 5, 0x10, 0x80, 0x80, 0x80, 0x08];
        client.send(&[
            Frame::new(HEADERS, END_HEADERS, stream, headers),
            Frame::new(DATA, END_STREAM, stream, message),
        ]);
    }
    client.ping();
    assert!(peak(&server) < 24, "{} MiB", peak(&server));
    drop(client);
    let other = TcpStream::connect(server.address).expect("cannot connect");
    assert_eq!(raw_call::root_of_16(other, "localhost").expect("the call failed"), FOUR);
}
