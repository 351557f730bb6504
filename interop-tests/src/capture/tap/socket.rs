//! TCP and Unix sockets by address: `HOST:PORT` and `unix:PATH`.

use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

const UNIX: &str = "unix:";

pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

pub(super) enum Connection {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    /// Listens at `address`; returns the address with the port that the system chose for port 0, too.
    pub(super) async fn bind(address: &str) -> io::Result<(Self, String)> {
        let Some(path) = address.strip_prefix(UNIX) else {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?.to_string();
            return Ok((Self::Tcp(listener), address));
        };
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            // A listener leaves its path behind when it is closed.
            _ => Ok((Self::Unix(UnixListener::bind(path)?), address.to_owned())),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Connection> {
        match self {
            Self::Tcp(listener) => Connection::tcp(listener.accept().await?.0),
            Self::Unix(listener) => Ok(Connection::Unix(listener.accept().await?.0)),
        }
    }
}

impl Connection {
    /// Connects to `address`. Blocks, because tokio's `connect` takes a reset right after the
    /// connection was made for a failure to connect, and what the server sent before would be lost.
    pub(super) fn open(address: &str) -> io::Result<Self> {
        if let Some(path) = address.strip_prefix(UNIX) {
            let stream = std::os::unix::net::UnixStream::connect(path)?;
            stream.set_nonblocking(true)?;
            return Ok(Self::Unix(UnixStream::from_std(stream)?));
        }
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        Self::tcp(TcpStream::from_std(stream)?)
    }

    fn tcp(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.retry(Interest::READABLE, |mut socket| socket.read(buffer)).await
    }

    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(Interest::WRITABLE, |mut socket| socket.write(bytes)).await
    }

    /// Waits until the kernel reports an error, such as a reset.
    pub(super) async fn error(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.ready(Interest::ERROR).await,
            Self::Unix(stream) => stream.ready(Interest::ERROR).await,
        };
    }

    pub(super) fn half_close(&self) {
        let _ = self.socket().shutdown(Shutdown::Write);
    }

    /// Makes TCP send a reset when the connection is dropped. A Unix socket has no resets.
    pub(super) fn reset_on_drop(&self) {
        let _ = self.socket().set_linger(Some(Duration::ZERO));
    }

    /// Calls `operation` until it does not block.
    async fn retry<R>(
        &self,
        interest: Interest,
        mut operation: impl FnMut(&Socket) -> io::Result<R>,
    ) -> io::Result<R> {
        let socket = self.socket();
        match self {
            Self::Tcp(stream) => stream.async_io(interest, || operation(&socket)).await,
            Self::Unix(stream) => stream.async_io(interest, || operation(&socket)).await,
        }
    }

    fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }
}
