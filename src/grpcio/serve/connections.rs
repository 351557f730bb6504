//! The connections of a worker, each in a task of its own.
//!
//! A client that stalls, for example in its TLS handshake, does not affect other clients. The
//! graceful shutdown of hyper-util is not used because it can end all connections, but not a single
//! old one.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::GrpcService;
use super::calls_in_flight::CallsInFlight;
use super::listen::Socket;
use super::options::Options;
use super::per_connection::PerConnection;
use super::tls::Tls;
use crate::grpcio::server;
use crate::grpcio::wire::method::Methods;

/// How long a TLS handshake may take.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);

/// The connections of one worker and their calls.
///
/// Workers share none of this, so that cores do not contend for cache lines.
#[derive(Debug)]
pub(super) struct Connections<S> {
    service: S,
    methods: Methods,
    tls: Option<Tls>,
    max_age: Option<Duration>,
    open: TaskTracker,
    in_flight: CallsInFlight,
    shutdown: CancellationToken,
}

impl<S: GrpcService> Connections<S> {
    pub(super) fn new<L>(service: S, methods: Methods, options: &Options<L>) -> Self {
        Self {
            service,
            methods,
            tls: options.tls.clone(),
            max_age: options.max_connection_age,
            open: TaskTracker::new(),
            in_flight: CallsInFlight::default(),
            shutdown: CancellationToken::new(),
        }
    }

    /// The number of open connections.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn in_flight(&self) -> &CallsInFlight {
        &self.in_flight
    }

    /// Serves a connection in a task of its own in `runtime`, where `socket` is called.
    pub(super) fn serve(
        &self,
        runtime: &Handle,
        socket: impl FnOnce() -> io::Result<Socket> + Send + 'static,
    ) {
        let connection = Connection {
            service: PerConnection::new(self.service.clone()),
            methods: self.methods.clone(),
            in_flight: self.in_flight.clone(),
        };
        let retired = retired(self.shutdown.clone(), self.max_age);
        let tls = self.tls.clone();
        let serving = async move {
            let socket = socket()?;
            let Some(tls) = tls else { return connection.serve(socket, retired).await };
            connection.serve_encrypted(socket, tls, retired).await
        };
        // Errors are caused by the client, which has been notified.
        self.open.spawn_on(serving, runtime);
    }

    /// Notifies all clients that the server shuts down.
    pub(super) fn shut_down(&self) {
        self.shutdown.cancel();
        self.open.close();
    }

    /// Returns when all connections are closed after [`shut_down`](Self::shut_down).
    pub(super) async fn closed(&self) {
        self.open.wait().await;
    }
}

/// Returns when a connection has to stop accepting calls.
async fn retired(shutdown: CancellationToken, max_age: Option<Duration>) {
    let Some(max_age) = max_age else { return shutdown.cancelled().await };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(max_age) => {}
    }
}

struct Connection<S> {
    service: PerConnection<S>,
    methods: Methods,
    in_flight: CallsInFlight,
}

/// The result of a connection.
type ConnectionResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl<S: GrpcService> Connection<S> {
    async fn serve(self, socket: Socket, retired: impl Future<Output = ()>) -> ConnectionResult {
        let is_unix = is_unix(&socket);
        self.serve_http2(socket, is_unix, retired).await
    }

    async fn serve_encrypted(
        self,
        socket: Socket,
        tls: Tls,
        retired: impl Future<Output = ()>,
    ) -> ConnectionResult {
        let is_unix = is_unix(&socket);
        let mut retired = pin!(retired);
        let decrypted = tokio::select! {
            decrypted = tokio::time::timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(socket)) => decrypted??,
            () = &mut retired => return Ok(()),
        };
        self.serve_http2(decrypted, is_unix, retired).await
    }

    /// Serves until the connection is closed. After `retired` it accepts no more calls.
    async fn serve_http2<IO>(
        self,
        transport: IO,
        is_unix: bool,
        retired: impl Future<Output = ()>,
    ) -> ConnectionResult
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut connection = pin!(server::connection(transport, is_unix, |early_requests| {
            let service = server::layer(self.methods, early_requests).service(self.service);
            self.in_flight.count(service)
        }));
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = retired => {}
        }
        connection.as_mut().graceful_shutdown();
        Ok(connection.await?)
    }
}

fn is_unix(socket: &Socket) -> bool {
    matches!(socket, Either::Right(_))
}
