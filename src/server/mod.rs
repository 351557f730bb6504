//! The server: a function of listening sockets and a future that ends it.
//!
//! Nothing here reads a command line or a signal, so a test or another program can run the same
//! server on a port of its own and stop it when it likes. It runs on hyper directly: tonic's own
//! server does not let a service reset a stream or see who has acknowledged what.
//!
//! - [`application`]: what is served
//! - [`workers`]: the threads that serve, and who gets which connection
//! - [`connections`]: each connection, from its first byte to its last
//! - [`by_reference`]: how hyper calls the services

mod application;
mod by_reference;
mod connections;
mod workers;

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt, StreamMap};
use tokio_util::either::Either;

use crate::listen::Listener;
use crate::service::dispatch::Offer;
use crate::tls::Tls;
use application::Shared;
use workers::Workers;

/// How long no connection is accepted after the machine has run out of something.
const OUT_OF_RESOURCES: Duration = Duration::from_millis(50);

/// What is served beside the calculators, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The services beside `Calculator` and `StreamingCalculator`.
    pub offer: Offer,
    /// Whether connections are encrypted.
    pub tls: Option<Tls>,
    /// How old a connection may become before its client is told to make another one, by GOAWAY; the
    /// calls on it finish.
    pub max_connection_age: Option<Duration>,
    /// Does what tests ask for in a call's metadata; see [`crate::test_behaviour`].
    pub test_behaviour: bool,
    /// How many threads serve connections: the caller's runtime is the first, and each other one is a
    /// thread with a runtime of its own.
    pub workers: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            offer: Offer::default(),
            tls: None,
            max_connection_age: None,
            test_behaviour: false,
            workers: NonZeroUsize::MIN,
        }
    }
}

/// A connection that has been accepted.
type Socket = Either<TcpStream, UnixStream>;

type Incoming = Pin<Box<dyn Stream<Item = io::Result<Socket>> + Send>>;

/// Serves on all of `listeners` until `shutdown` is ready, then accepts no more connections and
/// returns once the calls in flight have been answered: at once when all clients have closed their
/// connections, otherwise after a second without a call.
///
/// The listeners have to be in non-blocking mode, as [`crate::listen::bind`] makes them.
pub async fn serve(
    listeners: Vec<Listener>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
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
    let shared = Shared::new(&options).await;
    let workers = Workers::start(&options, &shared)?;
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = incoming.next() => accepted,
        };
        match accepted {
            None => break,
            Some((_, Ok(socket))) => workers.serve(socket),
            Some((_, Err(error))) if is_the_clients(&error) => {}
            Some((_, Err(_))) => tokio::time::sleep(OUT_OF_RESOURCES).await,
        }
    }
    drop(incoming);
    drop(files);
    if let Some(health) = shared.health {
        health.end().await;
    }
    workers.end().await;
    Ok(())
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
