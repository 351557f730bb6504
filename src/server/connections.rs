//! The connections of a worker: each in a task of its own, from its first byte to its last.
//!
//! Whatever a client does or leaves undone, a TLS handshake that never ends for example, holds up
//! nobody else. hyper-util's watcher of connections is not used: it can end all, and not an old one.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::application::Application;
use super::by_reference::ByReference;
use super::{Options, Socket};
use crate::in_flight::InFlight;
use crate::parity;
use crate::parity::authority::LegalAuthority;
use crate::parity::connection::{self, Peer};
use crate::parity::handshake::Handshake;
use crate::tls::Tls;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(20);

/// The connections of one worker, and the calls on them.
///
/// A worker has all of this for itself, so that cores do not wait for each other's caches.
#[derive(Debug)]
pub(super) struct Connections {
    application: Application,
    tls: Option<Tls>,
    max_age: Option<Duration>,
    open: TaskTracker,
    in_flight: InFlight,
    ending: CancellationToken,
}

impl Connections {
    pub(super) fn new(application: Application, options: &Options) -> Self {
        Self {
            application,
            tls: options.tls.clone(),
            max_age: options.max_connection_age,
            open: TaskTracker::new(),
            in_flight: InFlight::default(),
            ending: CancellationToken::new(),
        }
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Serves the connection of `socket`, which is called within `runtime`, in a task of its own there.
    pub(super) fn serve(
        &self,
        runtime: &Handle,
        socket: impl FnOnce() -> io::Result<Socket> + Send + 'static,
    ) {
        let connection =
            Connection { application: self.application.clone(), in_flight: self.in_flight.clone() };
        let goodbye = goodbye(self.ending.clone(), self.max_age);
        let tls = self.tls.clone();
        let serving = async move {
            let socket = socket()?;
            let Some(tls) = tls else { return connection.serve(socket, goodbye).await };
            connection.serve_encrypted(socket, tls, goodbye).await
        };
        // Errors are the client's business, who caused them and has been told.
        self.open.spawn_on(serving, runtime);
    }

    /// Tells all clients that the server ends.
    pub(super) fn end(&self) {
        self.ending.cancel();
        self.open.close();
    }

    /// Returns after [`end`](Self::end) when all are closed.
    pub(super) async fn closed(&self) {
        self.open.wait().await;
    }
}

/// Returns when a connection is to take no more calls.
async fn goodbye(ending: CancellationToken, max_age: Option<Duration>) {
    let Some(max_age) = max_age else { return ending.cancelled().await };
    tokio::select! {
        () = ending.cancelled() => {}
        () = tokio::time::sleep(max_age) => {}
    }
}

struct Connection {
    application: Application,
    in_flight: InFlight,
}

/// How a connection ended.
type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Connection {
    async fn serve(self, socket: Socket, goodbye: impl Future<Output = ()>) -> Ended {
        let is_unix = is_unix(&socket);
        self.serve_http2(socket, is_unix, goodbye).await
    }

    async fn serve_encrypted(
        self,
        socket: Socket,
        tls: Tls,
        goodbye: impl Future<Output = ()>,
    ) -> Ended {
        let is_unix = is_unix(&socket);
        let mut goodbye = pin!(goodbye);
        let decrypted = tokio::select! {
            decrypted = tokio::time::timeout(HANDSHAKE, tls.accept(socket)) => decrypted??,
            () = &mut goodbye => return Ok(()),
        };
        self.serve_http2(decrypted, is_unix, goodbye).await
    }

    /// Serves until the connection is closed; after `goodbye` it takes no more calls.
    async fn serve_http2<IO>(
        self,
        transport: IO,
        is_unix: bool,
        goodbye: impl Future<Output = ()>,
    ) -> Ended
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = Peer::default();
        let Application { methods, handler } = self.application;
        let service = parity::layer(methods, peer.clone()).service(handler);
        let service = ByReference::new(self.in_flight.count(service));
        let transport = LegalAuthority::new(transport, is_unix);
        let transport = TokioIo::new(Handshake::new(transport, peer));
        let mut connection = pin!(connection::http2().serve_connection(transport, service));
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = goodbye => {}
        }
        connection.as_mut().graceful_shutdown();
        Ok(connection.await?)
    }
}

fn is_unix(socket: &Socket) -> bool {
    matches!(socket, Either::Right(_))
}
