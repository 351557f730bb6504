//! Connects to one address: TCP or a Unix socket, then a proxy, then TLS, then the HTTP/2 handshake.
//!
//! An address counts as reached only when all steps have succeeded, so any failure is an error of
//! that address.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::established::Established;
use super::handshake::{HandshakeError, handshake};
use super::http_connect::{self, ConnectRequest};
use super::tls::Tls;
use crate::grpcio::address::Address;

/// The delay before another attempt if the server sends GOAWAY at once.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// What HTTP/2 runs over: TCP or a Unix socket, with or without TLS.
pub trait Transport: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<IO: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Transport for IO {}

/// The TLS configuration and the host to verify.
pub(super) struct Security {
    pub(super) tls: Tls,
    pub(super) host: String,
}

/// One address of a server.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Tcp(SocketAddr),
    /// The address of an HTTP proxy, and the server to request from it.
    Proxy(SocketAddr, ConnectRequest),
    /// A path that starts with NUL stands for an abstract name.
    Unix(Arc<Path>),
}

impl Target {
    /// Establishes a connection on which the server accepts calls.
    pub(super) async fn connect(
        &self,
        security: Option<&Security>,
    ) -> Result<Established<Box<dyn Transport>>, HandshakeError> {
        loop {
            let socket: Box<dyn Transport> = match self {
                Self::Tcp(address) => Box::new(tcp(address).await?),
                Self::Proxy(address, request) => {
                    Box::new(http_connect::connect(tcp(address).await?, request).await?)
                }
                Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            };
            let transport: Box<dyn Transport> = match security {
                Some(Security { tls, host }) => Box::new(tls.handshake(host, socket).await?),
                None => socket,
            };
            match handshake(transport).await {
                // grpcio counts this as a success and makes another connection for the call.
                Err(HandshakeError::GoingAway) => tokio::time::sleep(RETRY_DELAY).await,
                connection => return connection,
            }
        }
    }
}

async fn tcp(address: &SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Proxy(address, request) => {
                write!(f, "{} through the HTTP proxy {address}", request.server)
            }
            Self::Unix(path) => Address::of_unix(path).fmt(f),
        }
    }
}
