//! A connection of a client to a service behind all rules.
//!
//! hyper serves it directly: tonic's server neither lets a service reset a stream nor shows when a
//! client has acknowledged the SETTINGS.

use std::cell::RefCell;

use bytes::Buf;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tower::Service;

use super::authority_rewrite::{AuthorityRewrite, rewrite_authority};
use super::connection_limits;
use super::settings_ack::{EarlyRequests, SettingsAck, count_early_requests};
use crate::grpcio::wire::filtered_io::FilteredIo;

/// What can go wrong in a body or a service; hyper reports it to the client as a reset.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A connection that is being served: a future that resolves when it is closed. Its
/// `graceful_shutdown` sends GOAWAY and lets the calls in flight finish.
pub type Connection<IO, S> = http2::Connection<Transport<IO>, ByReference<S>, TokioExecutor>;

/// A transport whose incoming bytes are watched and rewritten, as hyper reads it.
pub type Transport<IO> = TokioIo<FilteredIo<FilteredIo<IO, AuthorityRewrite>, SettingsAck>>;

/// Serves the client behind `transport`, which may be encrypted.
///
/// A client that sends nothing keeps the connection open. The server in `grpcio::serve` closes it.
///
/// `is_unix` is whether it is a Unix socket; see
/// [`authority_rewrite`](super::authority_rewrite). `service` makes the service of this connection,
/// usually with [`layer`](super::layer), from the early requests of the connection. It has to be
/// always ready.
pub fn connection<IO, S, B>(
    transport: IO,
    is_unix: bool,
    service: impl FnOnce(EarlyRequests) -> S,
) -> Connection<IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data: Buf + Send> + Send + 'static,
    B::Error: Into<BoxError>,
{
    connection_with(&connection_limits::http2(), transport, is_unix, service)
}

/// Like [`connection`], with an HTTP/2 server that differs from [`connection_limits::http2`].
pub fn connection_with<IO, S, B>(
    http2: &http2::Builder<TokioExecutor>,
    transport: IO,
    is_unix: bool,
    service: impl FnOnce(EarlyRequests) -> S,
) -> Connection<IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data: Buf + Send> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let early_requests = EarlyRequests::default();
    let service = ByReference(RefCell::new(service(early_requests.clone())));
    let transport = rewrite_authority(transport, is_unix);
    let transport = TokioIo::new(count_early_requests(transport, early_requests));
    http2.serve_connection(transport, service)
}

/// A tower service as hyper calls it: by a shared reference.
///
/// The adapter of hyper-util clones the service for each call instead, which updates four reference
/// counts and moves the state of the layers. The service has to be always ready, as all layers here
/// are.
#[derive(Debug)]
pub struct ByReference<S>(RefCell<S>);

impl<S: Service<R>, R> hyper::service::Service<R> for ByReference<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: R) -> S::Future {
        self.0.borrow_mut().call(request)
    }
}
