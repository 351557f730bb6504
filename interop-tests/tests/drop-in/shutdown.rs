//! The shutdown of `calculator-server`: immediately on Ctrl-C, after the calls in flight on SIGTERM, but not later than
//! `--drain` allows.
//!
//! The message of the call in flight is only partially sent, so the call does not end by itself: a server that exits
//! has not waited for it, and a server that waits does so because of it.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use grpc_interop::http2::frame::flag::{ACK, END_HEADERS, END_STREAM};
use grpc_interop::http2::frame::kind::{DATA, HEADERS, SETTINGS, WINDOW_UPDATE};
use grpc_interop::http2::frame::{Frame, PREFACE};
use rustix::process::Signal;

use crate::half_sent_call::HalfSentCall;
use crate::half_sent_call::Reply;
use crate::raw_call::headers_of;
use crate::support::LIMIT;
use crate::support::Server;
use crate::support::client_of;

/// Longer than the server waits for a client without a call.
const GRACE: Duration = Duration::from_millis(1500);

/// The response of a server that is not stopped.
fn undisturbed_reply() -> Reply {
    let server = Server::start();
    let reply = HalfSentCall::start(server.address).finish();
    assert_eq!(reply.message, [0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x40], "4.0");
    reply
}

#[test]
fn ctrl_c_ends_an_idle_server() {
    let server = Server::start();
    server.process.send(Signal::INT);
    server.process.ends_well();
}

/// A script that starts a program with `&` makes it ignore SIGINT.
#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    for (ignored, other, name) in
        [(Signal::INT, Signal::TERM, "INT"), (Signal::TERM, Signal::INT, "TERM")]
    {
        let mut command = Command::new("sh");
        let script = format!("trap '' {name} && exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(cargo_bin!("calculator-server"));
        let mut server = Server::ready(command.args(["--address", "127.0.0.1:0"]));
        server.process.send(ignored);
        let status = server.process.ended_within(GRACE);
        assert!(status.is_none(), "SIG{name} ended the server: {status:?}");
        client_of(server.address).assert().success();
        server.process.send(other);
        server.process.ends_well();
    }
}

#[test]
fn ctrl_c_does_not_wait_for_a_call_in_flight() {
    let server = Server::start();
    let _call = HalfSentCall::start(server.address);
    server.process.send(Signal::INT);
    server.process.ends_well();
}

#[test]
fn sigterm_ends_an_idle_server() {
    let server = Server::start();
    client_of(server.address).assert().success();
    server.process.send(Signal::TERM);
    server.process.ends_well();
}

#[test]
fn sigterm_completes_a_call_in_flight_and_refuses_connections() {
    let mut server = Server::start();
    let mut call = HalfSentCall::start(server.address);
    server.process.send(Signal::TERM);
    call.wait_for_goaway();

    let refused = TcpStream::connect_timeout(&server.address, LIMIT).map_err(|error| error.kind());
    assert_eq!(refused.map(drop), Err(ErrorKind::ConnectionRefused));
    assert_eq!(
        server.process.ended_within(GRACE),
        None,
        "the server should wait for the call in flight"
    );

    assert_eq!(call.finish(), undisturbed_reply());
    call.wait_until_closed();
    server.process.ends_well();
}

#[test]
fn a_second_signal_ends_a_server_that_waits_after_sigterm() {
    for second in [Signal::INT, Signal::TERM] {
        let server = Server::start();
        let mut call = HalfSentCall::start(server.address);
        server.process.send(Signal::TERM);
        call.wait_for_goaway();
        server.process.send(second);
        server.process.ends_with(1, &cut_off(1));
    }
}

#[test]
fn a_second_signal_without_a_call_in_flight_is_no_error() {
    let server = Server::start();
    let mut idle = HalfSentCall::connect(server.address);
    idle.wait_for(SETTINGS);
    server.process.send(Signal::TERM);
    idle.wait_for_goaway();
    server.process.send(Signal::TERM);
    server.process.ends_well();
}

#[test]
fn sigterm_waits_for_calls_no_longer_than_the_drain() {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    let options = ["--address", "127.0.0.1:0", "--health", "--drain", "0.5"];
    let mut server = Server::ready(command.args(options));
    let _calls = [(); 3].map(|()| HalfSentCall::start(server.address));
    let mut finished = HalfSentCall::start(server.address);
    server.process.send(Signal::TERM);
    finished.wait_for_goaway();
    assert_eq!(server.process.ended_within(Duration::from_millis(100)), None);
    finished.finish();
    server.process.ends_with(1, &cut_off(3));
}

/// The output of a server that has cut off this many calls.
fn cut_off(calls: usize) -> String {
    let calls = if calls == 1 { "1 call was".to_owned() } else { format!("{calls} calls were") };
    format!("calculator-server: {calls} cut off by the shutdown\n")
}

/// A client that has called Exchange for a response of 16 MiB, and has read its header fields.
fn download(server: SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(server).expect("cannot connect to the server");
    connection.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
    let mut call = PREFACE.to_vec();
    let window = 0x3fff_ffff_u32.to_be_bytes();
    Frame::new(SETTINGS, 0, 0, [&[0, 4], &window[..]].concat()).write_to(&mut call);
    Frame::new(SETTINGS, ACK, 0, []).write_to(&mut call);
    Frame::new(WINDOW_UPDATE, 0, 0, window).write_to(&mut call);
    let headers = headers_of("/StreamingCalculator/Exchange", "localhost");
    Frame::new(HEADERS, END_HEADERS, 1, headers).write_to(&mut call);
    let size = [0, 0, 0, 0, 5, 0x10, 0x80, 0x80, 0x80, 0x08];
    Frame::new(DATA, END_STREAM, 1, size).write_to(&mut call);
    connection.write_all(&call).expect("cannot write to the connection");
    while read_frame(&mut connection).expect("an open connection").kind != HEADERS {}
    connection
}

fn read_frame(connection: &mut TcpStream) -> Option<Frame> {
    Frame::read_from(connection).expect("cannot read from the connection")
}

#[test]
fn sigterm_completes_a_response_that_the_client_reads_later() {
    const SIZE: usize = 16 * 1024 * 1024;
    let mut command = Command::new(cargo_bin!("calculator-server"));
    let mut server = Server::ready(command.args(["--address", "127.0.0.1:0", "--streaming"]));
    let mut client = download(server.address);
    server.process.send(Signal::TERM);
    assert_eq!(server.process.ended_within(GRACE), None, "the response is not written");
    // The client sends until the end, so a server that closes the socket at once would reset it. It does not
    // acknowledge the ping.
    let (mut received, mut has_trailers) = (0, false);
    while let Some(frame) = read_frame(&mut client) {
        match frame.kind {
            DATA => received += frame.payload.len(),
            HEADERS => has_trailers = true,
            _ => {}
        }
        let mut update = Vec::new();
        Frame::new(WINDOW_UPDATE, 0, 0, 1_u32.to_be_bytes()).write_to(&mut update);
        let _ = client.write_all(&update);
        // At most about 100 MB/s, so that the server has closed its side before the client has read everything.
        thread::sleep(Duration::from_micros(150));
    }
    assert_eq!((received, has_trailers), (SIZE + 5 + 5, true));
    server.process.ends_well();
}

#[test]
fn responses_that_nobody_reads_are_cut_off_and_counted() {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    command.args(["--address", "127.0.0.1:0", "--streaming", "--drain", "0.5"]);
    let server = Server::ready(&mut command);
    let _clients = [(); 2].map(|()| download(server.address));
    server.process.send(Signal::TERM);
    server.process.ends_with(1, &cut_off(2));
}

#[test]
fn sigterm_does_not_wait_for_clients_without_a_call() {
    let server = Server::start();
    let _silent = TcpStream::connect(server.address).expect("cannot connect to the server");
    // Neither acknowledges the ping with which the server detects calls in transit.
    let _idle = HalfSentCall::connect(server.address);
    let mut answered = HalfSentCall::start(server.address);
    answered.finish();
    server.process.send(Signal::TERM);
    server.process.ends_well();
}
