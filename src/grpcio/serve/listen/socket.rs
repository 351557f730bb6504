//! What TCP and Unix sockets have in common: how they start to listen, where, and why they cannot.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use socket2::{SockAddr, Socket};

use crate::grpcio::address::Address;

/// The number of connections that may wait to be accepted. The kernel enforces a limit of its own.
const BACKLOG: i32 = 4096;

/// Makes `socket` listen at `address` in non-blocking mode.
pub(super) fn listen(socket: &Socket, address: &SockAddr) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Where a socket actually listens, formatted like an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalAddress {
    /// The IP address and port.
    Tcp(SocketAddr),
    /// The path as it was given. One that starts with NUL stands for an abstract name.
    Unix(PathBuf),
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => Address::of_unix(path).fmt(f),
        }
    }
}

/// Why a socket cannot listen at an address.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The host name cannot be resolved.
    #[error("cannot resolve {address}: {source}")]
    Resolve {
        /// The requested address.
        address: String,
        /// The error of the resolver.
        source: io::Error,
    },
    /// The host name has no address.
    #[error("cannot resolve {address}: it has no address")]
    NoAddress {
        /// The requested address.
        address: String,
    },
    /// The operating system refused, for example because the port is in use.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The resolved address or the path.
        address: LocalAddress,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another server listens at the path.
    #[error("cannot listen on {0}: another server listens there: stop it, or choose another path")]
    InUse(LocalAddress),
    /// The file at the path is not a socket.
    #[error(
        "cannot listen on {0}: there is a file that is no socket: remove it, or choose another path"
    )]
    NotASocket(LocalAddress),
    /// A Unix socket has no port that could be shared.
    #[error("cannot share the port of {0}: a Unix socket has none")]
    NoPort(LocalAddress),
}
