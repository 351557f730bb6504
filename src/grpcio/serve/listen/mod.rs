//! Opens the listening sockets for an address, and accepts connections on them.
//!
//! Everything that can be wrong with an address is detected before the server starts.

mod socket;
mod tcp;
mod unix;

use std::io;
use std::net;
use std::pin::Pin;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt, StreamMap};
use tokio_util::either::Either;

pub use socket::{ListenError, LocalAddress};
pub use unix::{SocketFile, UnixSocket};

use crate::grpcio::address::Address;

/// How the sockets are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Shares the port with other sockets that also share it, with SO_REUSEPORT.
    ///
    /// grpcio always does that, so two servers that were started by mistake each receive some of
    /// the calls.
    pub reuse_port: bool,
}

/// A listening socket in non-blocking mode, as tokio requires it.
#[derive(Debug)]
pub enum Listener {
    /// At an IP address and a port.
    Tcp(net::TcpListener),
    /// At a path.
    Unix(UnixSocket),
}

impl Listener {
    /// Where the socket listens.
    pub fn local_address(&self) -> io::Result<LocalAddress> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(LocalAddress::Tcp),
            Self::Unix(socket) => Ok(LocalAddress::Unix(socket.path().to_owned())),
        }
    }
}

/// Listens at `address`: at a path or an abstract name, or with one socket for each address of the
/// host that this machine has. All of these have the same port; port 0 selects a free one. For a list
/// of addresses, there is one socket for each. The list is never empty.
pub fn bind(address: &Address, options: Options) -> Result<Vec<Listener>, ListenError> {
    let path = match address {
        Address::Tcp(authority) => {
            let listeners = tcp::bind(authority, options.reuse_port)?;
            return Ok(listeners.into_iter().map(Listener::Tcp).collect());
        }
        Address::Sockets(addresses) => {
            let listeners = tcp::bind_each(addresses, options.reuse_port)?;
            return Ok(listeners.into_iter().map(Listener::Tcp).collect());
        }
        Address::Unix(path) => path.clone(),
        Address::UnixAbstract(name) => Address::abstract_path(name),
    };
    if options.reuse_port {
        return Err(ListenError::NoPort(LocalAddress::Unix(path)));
    }
    Ok(vec![Listener::Unix(UnixSocket::bind(&path)?)])
}

/// The socket of an accepted connection.
pub(super) type Socket = Either<TcpStream, UnixStream>;

/// The connections that a listener accepts.
type Incoming = Pin<Box<dyn Stream<Item = io::Result<Socket>> + Send>>;

/// Accepts connections on all `listeners`. Also returns the files of Unix sockets, which have to be
/// kept for as long as clients shall find them.
pub(super) fn accept(
    listeners: Vec<Listener>,
) -> io::Result<(impl Stream<Item = io::Result<Socket>> + Unpin, Vec<SocketFile>)> {
    let mut incoming = StreamMap::new();
    let mut files = Vec::new();
    for (index, listener) in listeners.into_iter().enumerate() {
        let sockets: Incoming = match listener {
            Listener::Tcp(listener) => {
                let listener = TcpListener::from_std(listener)?;
                Box::pin(TcpListenerStream::new(listener).map(|socket| socket.map(Either::Left)))
            }
            Listener::Unix(socket) => {
                let (listener, file) = socket.into_parts();
                files.push(file);
                let listener = UnixListener::from_std(listener)?;
                Box::pin(UnixListenerStream::new(listener).map(|socket| socket.map(Either::Right)))
            }
        };
        incoming.insert(index, sockets);
    }
    Ok((incoming.map(|(_, socket)| socket), files))
}
