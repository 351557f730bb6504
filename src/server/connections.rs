//! The connections of a server: each in a task of its own, from its first byte to its last.
//!
//! Whatever a client does or leaves undone, a TLS handshake that never ends for example, holds up
//! nobody else. hyper-util's watcher of connections is not used: it can end all, and not an old one.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::application::Application;
use super::{Options, Socket};
use crate::in_flight::InFlight;
use crate::parity;
use crate::parity::authority::LegalAuthority;
use crate::parity::connection::{self, Peer};
use crate::parity::handshake::Handshake;
use crate::tls::Tls;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(20);

/// All connections, and the calls on them.
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
    pub(super) fn new(application: Application, options: Options) -> Self {
        Self {
            application,
            tls: options.tls,
            max_age: options.max_connection_age,
            open: TaskTracker::new(),
            in_flight: InFlight::default(),
            ending: CancellationToken::new(),
        }
    }

    /// Serves one connection in a task of its own.
    pub(super) fn serve(&self, socket: Socket) {
        if let Either::Left(tcp) = &socket {
            // Without it an answer would wait for the client's acknowledgement of the one before. A
            // socket that refuses is already gone.
            let _ = tcp.set_nodelay(true);
        }
        let connection = Connection {
            application: self.application.clone(),
            in_flight: self.in_flight.clone(),
            is_unix: matches!(socket, Either::Right(_)),
        };
        let goodbye = goodbye(self.ending.clone(), self.max_age);
        // Errors are the client's business, who caused them and has been told.
        match self.tls.clone() {
            None => {
                self.open.spawn(connection.serve(socket, goodbye));
            }
            Some(tls) => {
                self.open.spawn(async move {
                    let mut goodbye = pin!(goodbye);
                    let handshake = tokio::time::timeout(HANDSHAKE, tls.accept(socket));
                    let decrypted = tokio::select! {
                        decrypted = handshake => decrypted,
                        () = &mut goodbye => return Ok(()),
                    };
                    match decrypted {
                        Ok(Ok(decrypted)) => connection.serve(decrypted, goodbye).await,
                        Ok(Err(error)) => Err(error.into()),
                        Err(late) => Err(io::Error::from(late).into()),
                    }
                });
            }
        }
    }

    /// Tells all clients that the server ends, and returns when it may.
    pub(super) async fn end(self) {
        self.ending.cancel();
        self.open.close();
        tokio::select! {
            () = self.open.wait() => {}
            () = self.in_flight.drained() => {}
        }
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
    is_unix: bool,
}

impl Connection {
    /// Serves until the connection is closed; after `goodbye` it takes no more calls.
    async fn serve<IO>(
        self,
        transport: IO,
        goodbye: impl Future<Output = ()>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = Peer::default();
        let Application { methods, handler } = self.application;
        let service = parity::layer(methods, peer.clone()).service(handler);
        let service = TowerToHyperService::new(self.in_flight.count(service));
        let transport = LegalAuthority::new(transport, self.is_unix);
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
