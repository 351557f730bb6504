//! The connections of a worker, each in a task of its own.
//!
//! A client that stalls, for example in its TLS handshake, does not affect other clients.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::server::conn::http2::Builder;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::GrpcService;
use super::connection::Connection;
use super::connection_options::ConnectionOptions;
use super::fair_reading::Backlog;
use super::lifetime::Lifetime;
use super::listen::Socket;
use super::options::Options;
use super::per_connection::PerConnection;
use super::tls::Tls;
use crate::grpcio::server::connection_limits;
use crate::grpcio::server::message_memory::MessageMemory;
use crate::grpcio::wire::method::Methods;

/// The connections of one worker and their calls.
///
/// Workers share none of this, so that cores do not contend for cache lines.
#[derive(Debug)]
pub(super) struct Connections<S> {
    service: S,
    methods: Methods,
    http2: Builder<TokioExecutor>,
    tls: Option<Tls>,
    options: ConnectionOptions,
    memory: MessageMemory,
    backlog: Backlog,
    open: TaskTracker,
    shutdown: CancellationToken,
    cut_off: CancellationToken,
    calls_cut_off: Arc<AtomicUsize>,
}

impl<S: GrpcService> Connections<S> {
    pub(super) fn new<L>(service: S, methods: Methods, options: &Options<L>) -> Self {
        let connections = options.connections.limited();
        Self {
            service,
            methods,
            http2: http2(&connections),
            tls: options.tls.clone(),
            options: connections,
            memory: options.message_memory.clone(),
            backlog: Backlog::default(),
            open: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            cut_off: CancellationToken::new(),
            calls_cut_off: Arc::default(),
        }
    }

    /// The number of open connections.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Serves a connection in a task of its own in `runtime`, where `socket` is called. Holds
    /// `permit` until the connection is closed.
    pub(super) fn serve(
        &self,
        runtime: &Handle,
        socket: impl FnOnce() -> io::Result<Socket> + Send + 'static,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        let connection = Connection {
            service: PerConnection::new(self.service.clone()),
            methods: self.methods.clone(),
            http2: self.http2.clone(),
            tls: self.tls.clone(),
            options: self.options.clone(),
            memory: self.memory.connection(),
            backlog: self.backlog.clone(),
            lifetime: Lifetime::new(&self.options, self.shutdown.clone()),
            cut_off: self.cut_off.clone(),
        };
        let calls_cut_off = Arc::clone(&self.calls_cut_off);
        let serving = async move {
            let _permit = permit;
            // Fails only if the socket is already closed.
            if let Ok(socket) = socket() {
                calls_cut_off.fetch_add(connection.serve(socket).await, Ordering::Relaxed);
            }
        };
        self.open.spawn_on(serving, runtime);
    }

    /// Notifies all clients that the server shuts down.
    pub(super) fn shut_down(&self) {
        self.shutdown.cancel();
        self.open.close();
    }

    /// Closes all connections after [`shut_down`](Self::shut_down), with their calls.
    pub(super) fn cut_off(&self) {
        self.cut_off.cancel();
    }

    /// Returns when all connections are closed after [`shut_down`](Self::shut_down).
    pub(super) async fn closed(&self) {
        self.open.wait().await;
    }

    /// The number of calls that [`cut_off`](Self::cut_off) has ended.
    pub(super) fn calls_cut_off(&self) -> usize {
        self.calls_cut_off.load(Ordering::Relaxed)
    }
}

/// An HTTP/2 server with the limits of grpcio and with these options.
pub(super) fn http2(options: &ConnectionOptions) -> Builder<TokioExecutor> {
    let mut http2 = connection_limits::http2();
    if let Some(streams) = options.max_concurrent_streams {
        http2.max_concurrent_streams(streams.get().min(connection_limits::MAX_STREAMS));
    }
    if let Some(interval) = options.keepalive {
        http2.keep_alive_interval(interval).keep_alive_timeout(options.keepalive_timeout);
    }
    http2
}
