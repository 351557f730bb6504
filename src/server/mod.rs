//! A server as a function of listening sockets and a shutdown future.
//!
//! Nothing here reads a command line or handles a signal, so a test or another program can run the
//! same server. It uses hyper directly, because tonic's own server neither lets a service reset a
//! stream nor shows when a client has acknowledged the SETTINGS.
//!
//! - [`listen`]: opens the sockets for an address
//! - [`tls`]: loads the PEM files for TLS
//! - [`Options`]: what is served and how
//! - `application`: the services of a worker
//! - `workers`: the threads that serve connections
//! - `connections`: the connections of a worker
//! - `calls_in_flight`: counts calls, so that a shutdown can wait for them

mod application;
mod calls_in_flight;
mod connections;
pub mod listen;
mod options;
pub mod tls;
mod workers;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio_stream::StreamExt;

pub use options::Options;

use application::Shared;
use listen::Listener;
use workers::Workers;

/// How long to wait after a failed accept, for example because of too many open files.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Serves on all `listeners` until `shutdown` resolves. Then it accepts no more connections, and
/// returns when the calls in flight have ended: at once if all clients have closed their
/// connections, otherwise after one second without a call.
///
/// The listeners have to be in non-blocking mode, as those of [`listen::bind`] are.
pub async fn serve(
    listeners: Vec<Listener>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (mut incoming, files) = listen::accept(listeners)?;
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
            Some(Ok(socket)) => workers.serve(socket),
            Some(Err(error)) if is_caused_by_client(&error) => {}
            Some(Err(_)) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
        }
    }
    drop(incoming);
    drop(files);
    if let Some(health) = shared.health {
        health.shut_down().await;
    }
    workers.shut_down().await;
    Ok(())
}

/// Whether the client has closed the connection, so that the next one can be accepted at once.
fn is_caused_by_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
