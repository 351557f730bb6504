//! From an address to listening sockets.
//!
//! All that can be wrong with an address is found out here, before a server begins.

mod tcp;
mod unix;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

pub use unix::UnixSocket;

use crate::address::Address;

/// Connections that may wait to be accepted; the kernel caps it at its own limit.
const BACKLOG: i32 = 4096;

/// How the sockets are opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Share the port with other sockets that share it too, by SO_REUSEPORT.
    ///
    /// grpcio does it always, where two servers by mistake each take a part of the calls unnoticed.
    pub reuse_port: bool,
}

/// A socket that listens, in non-blocking mode as tokio wants it.
#[derive(Debug)]
pub enum Listener {
    /// At an address and a port.
    Tcp(TcpListener),
    /// At a path.
    Unix(UnixSocket),
}

/// Where a [`Listener`] really listens, shown as an [`Address`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalAddress {
    /// The address and port that were taken.
    Tcp(SocketAddr),
    /// The path as it was given.
    Unix(PathBuf),
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => Address::Unix(path.clone()).fmt(f),
        }
    }
}

impl Listener {
    /// Where it listens.
    pub fn local_address(&self) -> io::Result<LocalAddress> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(LocalAddress::Tcp),
            Self::Unix(socket) => Ok(LocalAddress::Unix(socket.path().to_owned())),
        }
    }
}

/// An address could not be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The host name could not be looked up.
    #[error("cannot resolve {address}: {source}")]
    Resolve {
        /// What was asked for.
        address: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The host name has no address at all.
    #[error("cannot resolve {address}: it has no address")]
    NoAddress {
        /// What was asked for.
        address: String,
    },
    /// The operating system refused, because the port is taken, for example.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The resolved address, or the path.
        address: LocalAddress,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody listens at the path.
    #[error("cannot listen on {0}: another server listens there: stop it, or choose another path")]
    InUse(LocalAddress),
    /// There is a file at the path that no server has left behind.
    #[error(
        "cannot listen on {0}: there is a file that is no socket: remove it, or choose another path"
    )]
    NoSocket(LocalAddress),
    /// A port was to be shared where there is none.
    #[error("cannot share the port of {0}: a Unix socket has none")]
    NoPort(LocalAddress),
}

/// Listens on `address`: at a path, or with one socket for each address of the host that this machine
/// has, all with the same port; port 0 takes a free one. Never returns an empty list.
pub fn bind(address: &Address, options: Options) -> Result<Vec<Listener>, ListenError> {
    match address {
        Address::Tcp(authority) => {
            let listeners = tcp::bind(authority, options)?;
            Ok(listeners.into_iter().map(Listener::Tcp).collect())
        }
        Address::Unix(path) if options.reuse_port => {
            Err(ListenError::NoPort(LocalAddress::Unix(path.clone())))
        }
        Address::Unix(path) => Ok(vec![Listener::Unix(UnixSocket::bind(path)?)]),
    }
}
