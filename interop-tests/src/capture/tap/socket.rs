//! TCP and Unix sockets by address: `HOST:PORT` and `unix:PATH`.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use socket2::Socket;

const UNIX: &str = "unix:";

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: Socket,
    address: String,
}

impl Listener {
    pub(super) fn bind(address: &str) -> io::Result<Self> {
        let socket: Socket = match address.strip_prefix(UNIX) {
            None => TcpListener::bind(address)?.into(),
            Some(path) => match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                // A listener leaves its path behind when it is closed.
                _ => UnixListener::bind(path)?.into(),
            },
        };
        // The client may be gone before its connection is accepted.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address: address.to_owned() })
    }

    /// Its address, with the port that the system chose for port 0.
    pub(super) fn address(&self) -> io::Result<String> {
        if self.address.starts_with(UNIX) {
            return Ok(self.address.clone());
        }
        let address = self.socket.local_addr()?.as_socket();
        address.map(|address| address.to_string()).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    pub(super) fn accept(&self) -> io::Result<Socket> {
        let (socket, _) = self.socket.accept()?;
        configure(socket)
    }
}

/// Connects to the server at `address`.
pub(super) fn connect(address: &str) -> io::Result<Socket> {
    configure(match address.strip_prefix(UNIX) {
        None => TcpStream::connect(address)?.into(),
        Some(path) => UnixStream::connect(path)?.into(),
    })
}

/// Makes a TCP connection end with a reset when its socket is closed. A Unix socket has no resets.
pub(super) fn reset_on_close(socket: &Socket) {
    let _ = socket.set_linger(Some(Duration::ZERO));
}

/// Makes reads and writes return at once, and bytes leave at once.
fn configure(socket: Socket) -> io::Result<Socket> {
    socket.set_nonblocking(true)?;
    if socket.local_addr()?.as_socket().is_some() {
        socket.set_tcp_nodelay(true)?;
    }
    Ok(socket)
}
