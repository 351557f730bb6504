//! The server: a function of listening sockets and a future that ends it.
//!
//! Nothing here reads a command line or a signal, so a test or another program can run the same
//! server on a port of its own and stop it when it likes.

use std::future::Future;
use std::net::TcpListener;

use tokio::sync::Notify;
use tokio_stream::{StreamExt, StreamMap};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::in_flight::InFlight;
use crate::rpc::calculator_server::CalculatorServer;
use crate::service::CalculatorService;

/// Why a server ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A listening socket could not be handed to the runtime.
    #[error("cannot watch a listening socket: {0}")]
    Listener(#[from] std::io::Error),
    /// The transport gave up.
    #[error("the transport failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves `Calculator` on all of `listeners` until `shutdown` is ready, then accepts no more
/// connections and returns once the calls in flight have been answered: at once when all clients
/// have closed their connections, otherwise after a second without a call.
///
/// The listeners have to be in non-blocking mode, as [`crate::listen::bind`] makes them.
pub async fn serve(
    listeners: Vec<TcpListener>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let mut incoming = StreamMap::new();
    for (index, listener) in listeners.into_iter().enumerate() {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        incoming.insert(index, TcpIncoming::from(listener).with_nodelay(Some(true)));
    }
    let connections = incoming.map(|(_, connection)| connection);
    let in_flight = InFlight::default();
    let ending = Notify::new();
    let server = Server::builder()
        .add_service(in_flight.count(CalculatorServer::new(CalculatorService)))
        .serve_with_incoming_shutdown(connections, async {
            shutdown.await;
            ending.notify_one();
        });
    let drained = async {
        ending.notified().await;
        in_flight.drained().await;
    };
    tokio::select! {
        ended = server => Ok(ended?),
        () = drained => Ok(()),
    }
}
