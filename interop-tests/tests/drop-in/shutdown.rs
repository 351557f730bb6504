//! The shutdown of `calculator-server`: immediately on Ctrl-C, after the calls in flight on SIGTERM.
//!
//! The message of the call in flight is only partially sent, so the call does not end by itself: a server that exits
//! has not waited for it, and a server that waits does so because of it.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;

use crate::half_sent_call::HalfSentCall;
use crate::half_sent_call::Reply;
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
fn ctrl_c_ends_a_server_that_waits_after_sigterm() {
    let server = Server::start();
    let mut call = HalfSentCall::start(server.address);
    server.process.send(Signal::TERM);
    call.wait_for_goaway();
    server.process.send(Signal::INT);
    server.process.ends_well();
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
