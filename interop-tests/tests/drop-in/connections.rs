//! The options of `calculator-server` for the number of connections and for their lifetime.
//!
//! The durations are short, and what they are measured by is that something happens at all. The unit tests of
//! `grpcio::serve` measure them with a paused clock.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use grpc_interop::http2::frame::kind::SETTINGS;
use rustix::process::Signal;

use crate::half_sent_call::HalfSentCall;
use crate::raw_call::FOUR;
use crate::support::LIMIT;
use crate::support::Server;
use crate::support::client_of;

/// A time in which a server that may respond does so.
const A_WHILE: Duration = Duration::from_millis(500);

fn server(options: &[&str]) -> Server {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    Server::ready(command.args(["--address", "127.0.0.1:0"]).args(options))
}

/// Reads without a response until the server closes the connection.
fn ignore_until_closed(mut connection: TcpStream) {
    connection.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
    let mut received = Vec::new();
    match connection.read_to_end(&mut received) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the server does not close the connection: {error}"),
    }
}

#[test]
fn an_old_connection_is_closed_after_its_call() {
    let server = server(&["--max-connection-age", "0.2"]);
    let mut call = HalfSentCall::start(server.address);
    call.wait_for_goaway();
    assert_eq!(call.finish().message, FOUR);
    call.wait_until_closed();
    client_of(server.address).assert().success().stdout("4.0\n");
}

#[test]
fn a_call_on_an_old_connection_is_cut_off_after_the_grace_period() {
    let server = server(&["--max-connection-age", "0.2", "--max-connection-age-grace", "0.2"]);
    let mut call = HalfSentCall::start(server.address);
    call.wait_for_goaway();
    call.wait_until_closed();
    client_of(server.address).assert().success().stdout("4.0\n");
}

#[test]
fn a_connection_without_a_call_is_closed() {
    let server = server(&["--max-connection-idle", "0.3"]);
    let mut busy = HalfSentCall::start(server.address);
    ignore_until_closed(TcpStream::connect(server.address).expect("cannot connect"));
    HalfSentCall::connect(server.address).wait_for_goaway();
    // Otherwise it would be closed by now.
    assert_eq!(busy.finish().message, FOUR);
}

#[test]
fn keepalive_closes_the_connection_of_a_client_that_ignores_it() {
    let server = server(&["--keepalive", "0.2", "--keepalive-timeout", "2"]);
    let mut answering = HalfSentCall::start(server.address);
    let ignoring = HalfSentCall::start(server.address).into_connection();
    let ignoring = thread::spawn(|| ignore_until_closed(ignoring));
    while !ignoring.is_finished() {
        answering.answer_ping();
    }
    ignoring.join().expect("the server does not close the connection");
    assert_eq!(answering.finish().message, FOUR);
}

#[test]
fn further_connections_wait_until_one_is_closed() {
    let server = server(&["--max-connections", "1"]);
    let first = HalfSentCall::start(server.address);
    // The kernel accepts it, and the server does not.
    let mut second = HalfSentCall::connect(server.address);
    assert!(!second.receives_within(A_WHILE));
    drop(first);
    assert!(second.receives_within(LIMIT));
    drop(second);
    client_of(server.address).assert().success().stdout("4.0\n");
}

#[test]
fn the_limit_on_open_files_is_raised_for_the_connections() {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 40 && exec \"$0\" \"$@\""])
        .arg(cargo_bin!("calculator-server"));
    let options = ["--address", "127.0.0.1:0", "--workers", "1", "--max-connections", "60"];
    let server = Server::ready(command.args(options));
    let mut clients = [(); 60].map(|()| HalfSentCall::connect(server.address));
    for client in &mut clients {
        client.wait_for(SETTINGS);
    }
}

#[test]
fn a_server_with_all_its_connections_can_be_shut_down() {
    let server = server(&["--max-connections", "1"]);
    HalfSentCall::connect(server.address).wait_for(SETTINGS);
    let mut only = HalfSentCall::connect(server.address);
    only.wait_for(SETTINGS);
    let _waiting = TcpStream::connect(server.address).expect("cannot connect");
    server.process.send(Signal::TERM);
    server.process.ends_well();
}

#[test]
fn the_limit_of_calls_is_announced() {
    /// SETTINGS_MAX_CONCURRENT_STREAMS of these SETTINGS.
    fn streams(settings: &[u8]) -> Option<&[u8]> {
        settings.chunks(6).find_map(|setting| setting.strip_prefix(&[0, 3]))
    }
    let announced = |address: SocketAddr| {
        let mut client = HalfSentCall::connect(address);
        let settings = client.wait_for(SETTINGS);
        streams(&settings).map(<[u8]>::to_vec)
    };
    let default = announced(server(&[]).address);
    assert_eq!(default.as_deref(), Some(&[0, 0, 8, 0][..]));
    let limited = announced(server(&["--max-concurrent-streams", "7"]).address);
    assert_eq!(limited.as_deref(), Some(&[0, 0, 0, 7][..]));
}
