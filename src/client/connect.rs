//! From a name to a connection, as grpcio makes it.
//!
//! Every address of the name is tried, because `localhost` is two and a server may listen on one of
//! them; a second begins before the first has failed, so that one that never answers costs little.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tower::Service;

pub use super::established::Established;
use super::handshake::{self, HandshakeError};

/// How long grpcio tries to connect.
const LIMIT: Duration = Duration::from_secs(20);

/// How long an address is tried before the next one is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Between connections that a server gives away as soon as they are made.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a server cannot be reached; the text begins as grpcio's does.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("DNS resolution failed for {name}: {source}")]
    Name {
        /// The name with its port.
        name: String,
        /// What the resolver says.
        source: io::Error,
    },
    /// No address of the name is a gRPC server's.
    #[error("failed to connect to all addresses; last error: {0}")]
    Addresses(String),
}

/// Connects to the host and the port of a URI, without TLS.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connector;

impl Service<Uri> for Connector {
    type Response = TokioIo<Established<TcpStream>>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        const HTTP: u16 = 80;
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(HTTP);
        Box::pin(async move {
            let addresses: Vec<_> = match lookup_host((&host[..], port)).await {
                Ok(addresses) => addresses.collect(),
                Err(source) => {
                    return Err(ConnectError::Name { name: format!("{host}:{port}"), source });
                }
            };
            tokio::time::timeout(LIMIT, to_any(&addresses))
                .await
                .unwrap_or_else(|_| {
                    let message = format!("{host}:{port}: no HTTP/2 server after {LIMIT:?}");
                    Err(ConnectError::Addresses(message))
                })
                .map(TokioIo::new)
        })
    }
}

/// The first of `addresses` that a connection can be made to.
async fn to_any(addresses: &[SocketAddr]) -> Result<Established<TcpStream>, ConnectError> {
    let mut last_error = "no address".to_owned();
    let mut attempts = JoinSet::new();
    let mut waiting = addresses.iter().copied();
    loop {
        let next = waiting.next();
        if let Some(address) = next {
            attempts.spawn(async move { (address, to(address).await) });
        }
        let head_start = async {
            match next {
                Some(_) if waiting.len() > 0 => tokio::time::sleep(HEAD_START).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok((_, Ok(connection)))) => return Ok(connection),
                Some(Ok((address, Err(error)))) => last_error = format!("{address}: {error}"),
                Some(Err(error)) => last_error = error.to_string(),
                None => return Err(ConnectError::Addresses(last_error)),
            },
            () = head_start => {}
        }
    }
}

/// A connection to `address` on which the server takes calls.
async fn to(address: SocketAddr) -> Result<Established<TcpStream>, HandshakeError> {
    loop {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        match handshake::begin(socket).await {
            // To grpcio this is a connection that worked; it makes another one for the call.
            Err(HandshakeError::GoingAway) => tokio::time::sleep(PAUSE).await,
            connection => return connection,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::to_any;
    use std::net::SocketAddr;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    async fn refusing() -> SocketAddr {
        listener().await.1
    }

    /// Says its SETTINGS to one client after another.
    async fn speaking() -> SocketAddr {
        let (listener, address) = listener().await;
        tokio::spawn(async move {
            let mut clients = Vec::new();
            while let Ok((mut client, _)) = listener.accept().await {
                client.write_all(&SETTINGS).await.expect("room");
                clients.push(client);
            }
        });
        address
    }

    #[tokio::test]
    async fn every_address_is_tried() {
        let (_silent, silent) = listener().await;
        let (refusing, speaking) = (refusing().await, speaking().await);
        for addresses in [&[speaking][..], &[refusing, speaking], &[silent, refusing, speaking]] {
            to_any(addresses).await.expect("one of them speaks");
        }
    }

    #[tokio::test]
    async fn the_last_error_is_told_when_none_is_right() {
        let addresses = [refusing().await, refusing().await];
        let error = to_any(&addresses).await.expect_err("nobody listens").to_string();
        let start = format!("failed to connect to all addresses; last error: {}: ", addresses[1]);
        assert!(error.starts_with(&start), "{error}");
        assert!(to_any(&[]).await.expect_err("nowhere").to_string().ends_with("no address"));
    }
}
