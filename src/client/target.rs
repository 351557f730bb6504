//! One address of a server, and the way to it: TCP or a Unix socket, TLS, and HTTP/2's beginning.
//!
//! A server is reached only when all of it has worked, so that whatever is in the way is one error of
//! one address.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::established::Established;
use super::handshake::{self, HandshakeError};
use super::tls::Tls;

/// Between connections that a server gives away as soon as they are made.
const PAUSE: Duration = Duration::from_millis(20);

/// What HTTP/2 is spoken over: TCP or a Unix socket, with TLS or without.
pub trait Transport: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<IO: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Transport for IO {}

/// A connection to a server that takes calls.
pub type Connection = Established<Box<dyn Transport>>;

/// TLS, and with whom.
pub(super) struct Security {
    pub(super) tls: Tls,
    pub(super) host: String,
}

/// One address of a server.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Tcp(SocketAddr),
    Unix(Arc<Path>),
}

impl Target {
    /// A connection on which the server takes calls.
    pub(super) async fn connect(
        &self,
        security: Option<&Security>,
    ) -> Result<Connection, HandshakeError> {
        loop {
            let socket: Box<dyn Transport> = match self {
                Self::Tcp(address) => {
                    let socket = TcpStream::connect(address).await?;
                    socket.set_nodelay(true)?;
                    Box::new(socket)
                }
                Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            };
            let transport: Box<dyn Transport> = match security {
                Some(Security { tls, host }) => Box::new(tls.begin(host, socket).await?),
                None => socket,
            };
            match handshake::begin(transport).await {
                // To grpcio this is a connection that worked; it makes another one for the call.
                Err(HandshakeError::GoingAway) => tokio::time::sleep(PAUSE).await,
                connection => return connection,
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
