//! Sockets of either kind, by their addresses: TCP's `HOST:PORT` and `unix:PATH`.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use socket2::Socket;

const UNIX: &str = "unix:";

/// Where a tap takes connections.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) socket: Socket,
    address: String,
}

impl Entrance {
    /// Listens at `address`.
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        let socket: Socket = match address.strip_prefix(UNIX) {
            None => TcpListener::bind(address)?.into(),
            Some(path) => {
                // One that has closed leaves the path behind, as a server does that was killed.
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => UnixListener::bind(path)?.into(),
                }
            }
        };
        // A client may be gone again before it has been taken in.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address: address.to_owned() })
    }

    /// Where it listens, with the port that it got.
    pub(crate) fn address(&self) -> io::Result<String> {
        if self.address.starts_with(UNIX) {
            return Ok(self.address.clone());
        }
        let address = self.socket.local_addr()?.as_socket();
        address.map(|address| address.to_string()).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// The next client that has come.
    pub(crate) fn admit(&self) -> io::Result<Socket> {
        let (socket, _) = self.socket.accept()?;
        ready(socket)
    }
}

/// A connection to the server at `address`.
pub(crate) fn connect(address: &str) -> io::Result<Socket> {
    ready(match address.strip_prefix(UNIX) {
        None => TcpStream::connect(address)?.into(),
        Some(path) => UnixStream::connect(path)?.into(),
    })
}

/// Ends a connection with a reset; where there is no such thing, with an end.
pub(crate) fn reset(socket: &Socket) {
    // The kernel sends it when the socket is closed, which has no copy.
    let _ = socket.set_linger(Some(Duration::ZERO));
}

/// Nothing waits in the socket for more, and nobody waits for the socket.
fn ready(socket: Socket) -> io::Result<Socket> {
    socket.set_nonblocking(true)?;
    if socket.local_addr()?.as_socket().is_some() {
        socket.set_tcp_nodelay(true)?;
    }
    Ok(socket)
}
