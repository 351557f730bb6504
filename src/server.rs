//! The server: a function of listening sockets and a future that ends it.
//!
//! Nothing here reads a command line or a signal, so a test or another program can run the same
//! server on a port of its own and stop it when it likes. It runs on hyper directly: tonic's own
//! server does not let a service reset a stream or see who has acknowledged what.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{StreamExt, StreamMap};

use crate::in_flight::InFlight;
use crate::parity;
use crate::parity::connection::{self, Peer};
use crate::parity::handshake::Handshake;
use crate::parity::methods::{Methods, RequestKind};
use crate::rpc::calculator_server::CalculatorServer;
use crate::service::CalculatorService;

/// How long no connection is accepted after the machine has run out of something.
const OUT_OF_RESOURCES: Duration = Duration::from_millis(50);

/// Serves `Calculator` on all of `listeners` until `shutdown` is ready, then accepts no more
/// connections and returns once the calls in flight have been answered: at once when all clients
/// have closed their connections, otherwise after a second without a call.
///
/// The listeners have to be in non-blocking mode, as [`crate::listen::bind`] makes them.
pub async fn serve(
    listeners: Vec<TcpListener>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut incoming = StreamMap::new();
    for (index, listener) in listeners.into_iter().enumerate() {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        incoming.insert(index, TcpListenerStream::new(listener));
    }
    let methods = Methods::new([("/Calculator/SquareRoot", RequestKind::Unary)]);
    let connections = Connections::default();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = incoming.next() => accepted,
        };
        match accepted {
            None => break,
            Some((_, Ok(transport))) => connections.serve(transport, &methods),
            Some((_, Err(error))) if is_the_clients(&error) => {}
            Some((_, Err(_))) => tokio::time::sleep(OUT_OF_RESOURCES).await,
        }
    }
    drop(incoming);
    tokio::select! {
        () = connections.graceful.shutdown() => {}
        () = connections.in_flight.drained() => {}
    }
    Ok(())
}

/// All connections, and the calls on them.
#[derive(Default)]
struct Connections {
    graceful: GracefulShutdown,
    in_flight: InFlight,
}

impl Connections {
    /// Serves one connection in a task of its own.
    fn serve(&self, transport: TcpStream, methods: &Methods) {
        // Without it an answer would wait for the client's acknowledgement of the one before. A
        // socket that refuses is already gone.
        let _ = transport.set_nodelay(true);
        let peer = Peer::default();
        let service = parity::layer(methods.clone(), peer.clone())
            .service(CalculatorServer::new(CalculatorService));
        let service = TowerToHyperService::new(self.in_flight.count(service));
        let transport = TokioIo::new(Handshake::new(transport, peer));
        let connection = connection::http2().serve_connection(transport, service);
        // Its error is the client's business, who caused it and has been told.
        tokio::spawn(self.graceful.watch(connection));
    }
}

/// Whether it was the client that gave up, so that the next one can be accepted at once.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
