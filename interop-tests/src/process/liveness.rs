//! Checks whether an HTTP/2 server is alive.
//!
//! The kernel also accepts connections for a server that is about to exit, so a successful connect is not sufficient.
//! A server of the user may be stopped in a debugger, so a server that accepts connections and sends nothing counts
//! as alive.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::config::{Peer, Places};
use crate::http2::Frame;
use crate::http2::frame::{PREFACE, kind};
use crate::output::out;
use crate::process::net::tutorial_port;

/// How long to wait for the first byte. A server that sends nothing in this time counts as alive.
const LIMIT: Duration = Duration::from_secs(1);

/// Connects and waits for the first SETTINGS of the server. An error means that the server refused or closed the
/// connection. A TLS server sends nothing before the handshake, so accepting the connection is sufficient.
pub(crate) fn check(address: &str, is_encrypted: bool) -> io::Result<()> {
    if let Some(path) = address.strip_prefix("unix:") {
        let connection = UnixStream::connect(path)?;
        connection.set_read_timeout(Some(LIMIT))?;
        return exchange_settings(connection);
    }
    let connection = TcpStream::connect(address)?;
    if is_encrypted {
        return Ok(());
    }
    connection.set_read_timeout(Some(LIMIT))?;
    exchange_settings(connection)
}

/// How a new server reacts to a connection.
#[derive(Debug)]
pub(crate) enum Reaction {
    /// It speaks HTTP/2, or accepts connections if it is a TLS server.
    Ready,
    /// It does not accept connections, or sends nothing.
    NotYet,
    /// It sends bytes that are not HTTP/2.
    Other(Vec<u8>),
}

/// Connects to a server that may be starting.
pub(crate) fn reaction(address: &str, is_encrypted: bool) -> Reaction {
    let connected = match address.strip_prefix("unix:") {
        Some(path) => UnixStream::connect(path).and_then(|connection| {
            connection.set_read_timeout(Some(LIMIT))?;
            Ok(first_frame(connection))
        }),
        None => TcpStream::connect(address).and_then(|connection| {
            if is_encrypted {
                return Ok(Reaction::Ready);
            }
            connection.set_read_timeout(Some(LIMIT))?;
            Ok(first_frame(connection))
        }),
    };
    connected.unwrap_or(Reaction::NotYet)
}

/// Reads the first bytes of a server. HTTP/2 begins with the SETTINGS frame on stream 0.
fn first_frame(mut connection: impl Read + Write) -> Reaction {
    const HEADER: usize = 9;
    if connection.write_all(&start()).is_err() {
        return Reaction::NotYet;
    }
    let mut header = Vec::new();
    // An error means that it closed the connection or sent nothing in time.
    let _ = connection.take(HEADER as u64).read_to_end(&mut header);
    match header[..] {
        [] => Reaction::NotYet,
        [_, _, _, kind::SETTINGS, _, 0, 0, 0, 0] => Reaction::Ready,
        _ => Reaction::Other(header),
    }
}

/// The first bytes of a client: the preface and its SETTINGS.
fn start() -> Vec<u8> {
    let mut start = PREFACE.to_vec();
    Frame::new(kind::SETTINGS, 0, 0, []).write_to(&mut start);
    start
}

fn exchange_settings(mut connection: impl Read + Write) -> io::Result<()> {
    connection.write_all(&start())?;
    match connection.read_exact(&mut [0]) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        read => read,
    }
}

/// Checks that the attached servers of all `peers` are alive, except those in `left_out`, and prints the commands
/// with which the tool would have started them.
pub(crate) fn check_all(
    peers: &[Peer],
    places: &Places,
    left_out: &BTreeSet<String>,
) -> anyhow::Result<()> {
    for peer in peers.iter().filter(|peer| !left_out.contains(peer.name())) {
        let Some(address) = peer.attached_server() else { continue };
        let (name, mut commands) = (peer.name(), String::new());
        for (suite, line) in peer.ways_to_start(places) {
            let _ = write!(commands, "\n  for {suite}: {line}");
        }
        let if_any = |text| if commands.is_empty() { "" } else { text };
        if let Err(error) = check(&address.to_string(), false) {
            let how = if_any("\ninterop would have started it with:");
            anyhow::bail!(
                "no server responds at {address}, where the server of peer `{name}` is attached ({error}); \
                 start it, or exclude the peer with --without {name}{how}{commands}"
            );
        }
        let how = if_any("; interop would have started it with:");
        out!("interop: the server of peer `{name}` is attached at {address}{how}{commands}");
    }
    Ok(())
}

/// Whether an attached server of `peers` listens on `port` of this machine.
pub(crate) fn any_holds(port: u16, peers: &[Peer]) -> bool {
    let addresses = || peers.iter().filter_map(Peer::attached_server);
    addresses().any(|address| address.port() == Some(port))
        && !tutorial_port::holders(port).is_empty()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What `inspect` returns for the address of a server that handles one connection with `serve`.
    fn inspected<T>(
        inspect: impl FnOnce(&str) -> T,
        serve: impl FnOnce(TcpStream) + Send + 'static,
    ) -> T {
        let listener = TcpListener::bind("127.0.0.1:0").expect("cannot reserve a port");
        let address = listener.local_addr().expect("the socket has no address").to_string();
        let server =
            thread::spawn(move || serve(listener.accept().expect("no client connected").0));
        let result = inspect(&address);
        server.join().expect("the server did not exit");
        result
    }

    fn check_against(serve: impl FnOnce(TcpStream) + Send + 'static) -> io::Result<()> {
        inspected(|address| check(address, false), serve)
    }

    fn reaction_to(serve: impl FnOnce(TcpStream) + Send + 'static) -> Reaction {
        inspected(|address| reaction(address, false), serve)
    }

    #[test]
    fn a_server_that_sends_something_is_alive_and_one_that_closes_is_not() {
        check_against(|mut socket| socket.write_all(&[0]).expect("it is read"))
            .expect("it has exited");
        check_against(drop).expect_err("it is gone");
    }

    #[test]
    fn a_server_is_ready_when_it_sends_settings() {
        let settings = |mut socket: TcpStream| {
            socket.write_all(b"\0\0\0\x04\0\0\0\0\0").expect("it is read");
        };
        assert!(matches!(reaction_to(settings), Reaction::Ready));
        let http1 = |mut socket: TcpStream| {
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\n").expect("it is read");
        };
        assert!(matches!(reaction_to(http1), Reaction::Other(bytes) if bytes == b"HTTP/1.1 "));
        assert!(matches!(reaction_to(drop), Reaction::NotYet));
        assert!(matches!(reaction("127.0.0.1:1", false), Reaction::NotYet));
    }

    #[test]
    fn a_server_that_hangs_has_not_exited() {
        check_against(|mut socket| {
            let _ = socket.read_to_end(&mut Vec::new());
        })
        .expect("it only hangs");
    }
}
