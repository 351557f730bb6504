//! All addresses of a name are tried, and the first one that works is used.
//!
//! `localhost` has two addresses, and a server may listen on only one of them. The next attempt
//! starts before the previous one has failed, so that an address that never responds costs little
//! time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tower::Service;

pub use super::established::Established;
use super::http_connect::ConnectRequest;
use super::keepalive::Keepalive;
use super::lookup;
pub use super::pings::Pings;
use super::pings::{Interval, send_pings};
use super::proxy::{Proxies, Proxy};
pub use super::target::Transport;
use super::target::{Security, Target};

use super::tls::Tls;
use crate::grpcio::address::Address;
use crate::grpcio::wire::filtered_io::FilteredIo;

/// How long grpcio tries to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The delay between the starts of two attempts (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Why a server cannot be reached. The message starts like that of grpcio.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name of the server, or of the proxy, cannot be resolved.
    #[error("DNS resolution failed for {name}: {source}")]
    Name {
        /// The name with its port.
        name: String,
        /// The error of the resolver.
        source: io::Error,
    },
    /// No address of the name belongs to an HTTP/2 server.
    #[error("failed to connect to all addresses; last error: {0}")]
    Addresses(String),
}

/// What the addresses to try are made of.
#[derive(Clone, Debug)]
enum Destination {
    /// The addresses of a name, with a port.
    Name(String, u16),
    /// These addresses, and their name in errors.
    Targets(Vec<Target>, String),
}

impl Destination {
    fn of(address: &Address) -> Self {
        let targets = match address {
            Address::Tcp(authority) => {
                let (host, port) = Address::host_and_port(authority);
                return Self::Name(host.to_owned(), port);
            }
            Address::Sockets(addresses) => addresses.iter().copied().map(Target::Tcp).collect(),
            Address::Unix(path) => vec![Target::Unix(path.as_path().into())],
            Address::UnixAbstract(name) => {
                vec![Target::Unix(Address::abstract_path(name).into())]
            }
        };
        Self::Targets(targets, address.to_string())
    }

    /// The name in errors, and the addresses in the order in which they are tried.
    async fn targets(self, proxies: &Proxies) -> Result<(String, Vec<Target>), ConnectError> {
        match self {
            Self::Name(host, port) => {
                let name = format!("{host}:{port}");
                let targets = match proxies.route(&host, port) {
                    Some((proxy, request)) => through(proxy, &request).await?,
                    None => lookup(&name, &host, port).await?.map(Target::Tcp).collect(),
                };
                Ok((name, targets))
            }
            Self::Targets(targets, name) => {
                let mut routed = Vec::new();
                for target in targets {
                    let route = match &target {
                        Target::Tcp(address) => {
                            proxies.route(&address.ip().to_string(), address.port())
                        }
                        Target::Proxy(..) | Target::Unix(_) => None,
                    };
                    match route {
                        Some((proxy, request)) => routed.extend(through(proxy, &request).await?),
                        None => routed.push(target),
                    }
                }
                Ok((name, routed))
            }
        }
    }
}

/// The addresses of a host. `name` is its name in errors.
async fn lookup(
    name: &str,
    host: &str,
    port: u16,
) -> Result<impl Iterator<Item = SocketAddr>, ConnectError> {
    match lookup::addresses(host, port).await {
        Ok(addresses) => Ok(addresses.into_iter()),
        Err(source) => Err(ConnectError::Name { name: name.to_owned(), source }),
    }
}

/// All addresses of `proxy`, with the request to it. The proxy looks the server up.
async fn through(proxy: &Proxy, request: &ConnectRequest) -> Result<Vec<Target>, ConnectError> {
    let name = format!("the HTTP proxy {}", proxy.name);
    let Some((host, port)) = proxy.host_and_port() else {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "this is not HOST:PORT");
        return Err(ConnectError::Name { name, source });
    };
    let addresses = lookup(&name, &host, port).await?;
    Ok(addresses.map(|address| Target::Proxy(address, request.clone())).collect())
}

/// Connects to the host and port of a URI, or to another address instead.
#[derive(Clone, Debug, Default)]
pub struct Connector {
    destination: Option<Destination>,
    tls: Option<Tls>,
    keepalive: Option<(Keepalive, Interval)>,
    proxies: Proxies,
}

/// A connection to a server that accepts calls.
pub type Connection = FilteredIo<Established<Box<dyn Transport>>, Pings>;

impl Connector {
    /// Sends pings on the connections. All of them share what servers have complained about.
    #[must_use]
    pub fn with_keepalive(self, keepalive: Keepalive) -> Self {
        Self { keepalive: Some((keepalive, Interval::new(keepalive.interval))), ..self }
    }

    /// Connects to this address.
    #[must_use]
    pub fn with_address(self, address: &Address) -> Self {
        Self { destination: Some(Destination::of(address)), ..self }
    }

    /// Uses TLS. The URI of the endpoint has to use `https`, because it determines the scheme of
    /// calls.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Reaches TCP servers through a proxy. It gets the name of the server, and TLS is with the
    /// server.
    #[must_use]
    pub fn with_proxies(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Connection>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port =
            uri.port_u16().unwrap_or(if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 });
        let Self { destination, tls, keepalive, proxies } = self.clone();
        let destination = destination.unwrap_or_else(|| Destination::Name(host.clone(), port));
        Box::pin(async move {
            let (name, addresses) = destination.targets(&proxies).await?;
            let security = tls.map(|tls| Arc::new(Security { tls, host }));
            tokio::time::timeout(CONNECT_TIMEOUT, connect_to_any(&addresses, security.as_ref()))
                .await
                .unwrap_or_else(|_| {
                    let message = format!("{name}: no HTTP/2 server after {CONNECT_TIMEOUT:?}");
                    Err(ConnectError::Addresses(message))
                })
                .map(|connection| TokioIo::new(send_pings(connection, keepalive)))
        })
    }
}

/// Connects to the first of `addresses` that works.
async fn connect_to_any(
    addresses: &[Target],
    security: Option<&Arc<Security>>,
) -> Result<Established<Box<dyn Transport>>, ConnectError> {
    let mut last_error = "no address".to_owned();
    let mut attempts = JoinSet::new();
    let mut remaining = addresses.iter().cloned();
    loop {
        let next = remaining.next();
        let is_last = remaining.len() == 0;
        let is_new = next.is_some();
        if let Some(address) = next {
            let security = security.cloned();
            attempts.spawn(async move {
                let connection = address.connect(security.as_deref()).await;
                connection.map_err(|error| format!("{address}: {error}"))
            });
        }
        let attempt_delay = async {
            if is_new && !is_last {
                tokio::time::sleep(ATTEMPT_DELAY).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok(Ok(connection))) => return Ok(connection),
                Some(Ok(Err(error))) => last_error = error,
                Some(Err(error)) => last_error = error.to_string(),
                None => return Err(ConnectError::Addresses(last_error)),
            },
            () = attempt_delay => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, connect_to_any};
    use std::net::SocketAddr;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        (listener, address)
    }

    async fn unused() -> SocketAddr {
        listener().await.1
    }

    /// An address where a server sends its SETTINGS to every client.
    async fn serving() -> SocketAddr {
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

    fn targets(addresses: &[SocketAddr]) -> Vec<Target> {
        addresses.iter().copied().map(Target::Tcp).collect()
    }

    #[tokio::test]
    async fn every_address_is_tried() {
        let (_silent, silent) = listener().await;
        let (unused, serving) = (unused().await, serving().await);
        for addresses in [&[serving][..], &[unused, serving], &[silent, unused, serving]] {
            connect_to_any(&targets(addresses), None).await.expect("one of them works");
        }
    }

    #[tokio::test]
    async fn the_last_error_is_returned_if_all_attempts_fail() {
        let addresses = [unused().await, unused().await];
        let error =
            connect_to_any(&targets(&addresses), None).await.expect_err("no server").to_string();
        let start = format!("failed to connect to all addresses; last error: {}: ", addresses[1]);
        assert!(error.starts_with(&start), "{error}");
        assert!(
            connect_to_any(&[], None)
                .await
                .expect_err("nowhere")
                .to_string()
                .ends_with("no address")
        );
    }
}
