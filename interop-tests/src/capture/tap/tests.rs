//! Tests that peers do not notice a tap: it forwards bytes, half-closes, resets and back pressure.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use socket2::Socket;
use tempfile::TempDir;

use crate::capture::{recorder::Recorder, tap::Tap};

/// No test waits longer.
const LIMIT: Duration = Duration::from_secs(10);

/// A tap with a client before it and the server's end of its connection.
struct Tapped {
    tap: Tap,
    recorder: Recorder,
    client: Socket,
    server: Socket,
}

fn tcp() -> Tapped {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("cannot bind a port");
    let server = listener.local_addr().expect("the socket has no address").to_string();
    let recorder = Recorder::default();
    let tap =
        Tap::start("127.0.0.1:0", server, recorder.clone(), false).expect("the tap did not start");
    let client = TcpStream::connect(tap.address()).expect("the tap does not listen");
    let (server, _) = listener.accept().expect("no client connected");
    limited(Tapped { tap, recorder, client: client.into(), server: server.into() })
}

/// Not in TMPDIR, which may be too long for the path of a socket.
fn folder() -> TempDir {
    tempfile::tempdir_in("/tmp").expect("cannot create a folder")
}

fn unix(folder: &TempDir) -> Tapped {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let listener = UnixListener::bind(path("server")).expect("cannot create a socket");
    let [asked, server] = ["tap", "server"].map(|name| format!("unix:{}", path(name)));
    let recorder = Recorder::default();
    let tap = Tap::start(&asked, server, recorder.clone(), false).expect("the tap did not start");
    assert_eq!(tap.address(), asked);
    let client = UnixStream::connect(path("tap")).expect("the tap does not listen");
    let (server, _) = listener.accept().expect("no client connected");
    limited(Tapped { tap, recorder, client: client.into(), server: server.into() })
}

fn limited(tapped: Tapped) -> Tapped {
    for socket in [&tapped.client, &tapped.server] {
        socket.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
        socket.set_write_timeout(Some(LIMIT)).expect("cannot set the timeout");
    }
    tapped
}

fn send(mut from: &Socket, mut to: &Socket, text: &[u8]) {
    from.write_all(text).expect("the connection is open");
    let mut received = vec![0; text.len()];
    to.read_exact(&mut received).expect("the tap forwards it");
    assert_eq!(received, text);
}

/// The result of a read after all data was read.
fn end(mut socket: &Socket) -> Result<usize, ErrorKind> {
    socket.read(&mut [0]).map_err(|error| error.kind())
}

/// What there is at last, within a second.
fn eventually<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    (0..200).find_map(|_| {
        thread::sleep(Duration::from_millis(5));
        look()
    })
}

fn reset(socket: Socket) {
    socket.set_linger(Some(Duration::ZERO)).expect("it is TCP");
    drop(socket);
}

#[test]
fn bytes_and_half_closes_are_forwarded() {
    let folder = folder();
    for Tapped { tap, recorder, client, server } in [unix(&folder), tcp()] {
        send(&client, &server, b"question");
        send(&server, &client, b"answer");
        client.shutdown(Shutdown::Write).expect("the connection is closed");
        assert_eq!(end(&server), Ok(0), "the half-close of the client should be forwarded");
        send(&server, &client, &vec![7; 300_000]);
        drop(server);
        assert_eq!(end(&client), Ok(0), "the half-close of the server should be forwarded");
        tap.finish(LIMIT);
        let text = recorder.take().to_string();
        assert_eq!(text.matches("half-closes").count(), 2, "{text}");
    }
}

#[test]
fn a_reset_of_the_client_is_forwarded() {
    let Tapped { tap, recorder, client, server } = tcp();
    send(&client, &server, b"question");
    reset(client);
    assert_eq!(end(&server), Err(ErrorKind::ConnectionReset));
    tap.finish(LIMIT);
    let text = recorder.take().to_string();
    assert!(text.contains("client  resets the connection"), "{text}");
    assert!(!text.contains("half-closes"), "{text}");
}

#[test]
fn a_reset_of_the_server_is_forwarded() {
    let Tapped { tap, recorder, client, server } = tcp();
    (&server).write_all(b"GOAWAY").expect("the connection is closed");
    reset(server);
    let mut received = [0; 6];
    (&client).read_exact(&mut received).expect("data before the reset is forwarded");
    assert_eq!(end(&client), Err(ErrorKind::ConnectionReset));
    tap.finish(LIMIT);
    assert!(recorder.take().to_string().contains("server  resets the connection"));
}

#[test]
fn a_reset_after_a_half_close_is_forwarded() {
    let Tapped { tap: _tap, recorder, client, server } = tcp();
    server.shutdown(Shutdown::Write).expect("the connection is closed");
    assert_eq!(end(&client), Ok(0));
    send(&client, &server, b"question");
    reset(server);
    // The client neither reads nor writes: only the reset notifies it.
    let error = eventually(|| client.take_error().expect("cannot read the error of the socket"));
    assert!(error.is_some(), "the connection should be reset");
    let text = recorder.take().to_string();
    assert!(text.contains("server  resets the connection"), "{text}");
}

#[test]
fn a_client_notices_that_the_server_has_exited() {
    let folder = folder();
    for Tapped { tap, recorder, client, server } in [tcp(), unix(&folder)] {
        drop(server);
        assert_eq!(end(&client), Ok(0));
        let failed = eventually(|| (&client).write(b"x").err());
        assert!(failed.is_some(), "writing should fail");
        tap.finish(LIMIT);
        assert!(recorder.take().to_string().contains("server  resets the connection"));
    }
}

#[test]
fn a_slow_reader_stops_the_server() {
    let Tapped { tap: _tap, recorder: _, client, server } = tcp();
    server.set_write_timeout(Some(Duration::from_millis(300))).expect("cannot set the timeout");
    let mut written = 0;
    let piece = vec![7; 64 * 1024];
    while written < 100 << 20 {
        match (&server).write(&piece) {
            Ok(count) => written += count,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
                break;
            }
        }
    }
    assert!(written < 32 << 20, "{written} bytes were accepted, although the client reads nothing");
    drop(server);
    let mut all = Vec::new();
    (&client).read_to_end(&mut all).expect("cannot read all data");
    assert_eq!(all.len(), written);
}

#[test]
fn connections_are_refused_while_it_does_not_listen() {
    let Tapped { mut tap, recorder: _, client, server } = tcp();
    let again = || TcpStream::connect(tap.address()).map_err(|error| error.kind());
    assert!(again().is_ok());
    tap.stop_listening();
    let refused = TcpStream::connect(tap.address()).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused));
    send(&client, &server, b"those that are there go on");
    tap.resume_listening().expect("the port is in use");
    TcpStream::connect(tap.address()).expect("the tap does not listen again");
}

#[test]
fn a_missing_server_resets_the_connection() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("cannot bind a port");
    let server = gone.local_addr().expect("the socket has no address").to_string();
    drop(gone);
    let tap = Tap::start("127.0.0.1:0", server, Recorder::default(), false)
        .expect("the tap did not start");
    let client = Socket::from(TcpStream::connect(tap.address()).expect("the tap does not listen"));
    client.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
    assert_eq!(end(&client), Err(ErrorKind::ConnectionReset));
}
