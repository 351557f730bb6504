//! Serves a tower service with the behaviour of grpcio, from listening sockets to a shutdown.
//!
//! [`serve`](super::serve()) neither reads a command line nor handles a signal, so a test or another
//! program can run the same server. It uses hyper directly, because tonic's own server neither lets a
//! service reset a stream nor shows when a client has acknowledged the SETTINGS.
//!
//! - [`Options`]: what is served and how
//! - [`ConnectionOptions`]: how many connections there are and how long they last
//! - [`listen`]: opens the sockets for an address
//! - [`tls`]: loads the PEM files for TLS
//! - `start_check`: whether the service has the methods and the codec that it should have
//! - `per_connection`: a service that is not cloned for each call
//! - `workers`: the threads that serve connections
//! - `connections`: the connections of a worker
//! - `connection`: one of them, from the accepted socket to its end
//! - `lifetime`: when a connection stops accepting calls, and when it has to be closed
//! - `client_frames`: reads the frames of a client, which has to finish in time what it has begun
//! - `ping_strikes`: ends the connection of a client that sends PING too often
//! - `fair_reading`: pauses reading, so that other connections of the thread continue
//! - `closing_socket`: closes a socket so that the client receives everything
//! - `calls_in_flight`: counts the calls of a connection

mod calls_in_flight;
pub(crate) mod client_frames;
pub(crate) mod closing_socket;
mod connection;
mod connection_options;
mod connections;
mod fair_reading;
mod lifetime;
pub mod listen;
mod options;
mod per_connection;
pub(crate) mod ping_strikes;
mod start_check;
pub mod tls;
mod workers;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::sync::Semaphore;
use tokio_stream::StreamExt;
use tower::{Layer, Service};

pub use super::server::message_memory::MessageMemory;
pub use connection_options::ConnectionOptions;
pub use options::{DRAIN, Options};
pub use start_check::{StartCheck, StartCheckError};

use super::services::{Enable, Health, StandardServices};
use super::wire::request_body::RequestBody;
use listen::Listener;
use workers::Workers;

/// How long to wait after a failed accept, for example because of too many open files.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// What can go wrong in the body of a response. hyper reports it to the client as a reset.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A tower service that [`serve`](super::serve()) can serve. Every service with these properties is
/// one; there is nothing to implement.
pub trait GrpcService:
    Service<
        Request<RequestBody>,
        Response = Response<Self::ResponseBody>,
        Error = Infallible,
        Future = Self::ResponseFuture,
    > + Clone
    + Send
    + 'static
{
    /// The body of a response.
    type ResponseBody: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;
    /// A call.
    type ResponseFuture: Future<Output = Result<Response<Self::ResponseBody>, Infallible>>
        + Send
        + 'static;
}

impl<S, B> GrpcService for S
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type ResponseBody = B;
    type ResponseFuture = S::Future;
}

/// Why a server did not start or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The service differs from its descriptors.
    #[error(transparent)]
    Service(#[from] StartCheckError),
    /// The operating system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How a server has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The number of calls that were still in flight when the server stopped waiting for them, so
    /// that their clients have not received the whole response. A handler that blocks its thread
    /// prevents counting the calls of that thread.
    pub cut_off: usize,
}

/// Serves `service` on all `listeners`, with the behaviour of grpcio, until `shutdown` resolves.
///
/// Then it accepts no more connections, and returns when the calls in flight have ended and their
/// responses are written, but at the latest after [`Options::drain`]. Clients without a call delay
/// it by one second at most if they do not close their connections themselves.
///
/// The service may be one that tonic has generated, [`Routes`] for several of them (with the feature
/// `router`), or any other tower service. It has to be always ready. Each of its methods has to use
/// [`ServerCodec`], which one line of `build.rs` selects; see [the crate](crate). That and the
/// presence of all methods is checked before the first connection is accepted, see [`StartCheck`].
///
/// The listeners have to be in non-blocking mode, as those of [`listen::bind`] are.
///
/// [`Routes`]: https://docs.rs/tonic/latest/tonic/service/struct.Routes.html
/// [`ServerCodec`]: super::ServerCodec
pub async fn serve<S, L>(
    listeners: Vec<Listener>,
    service: S,
    options: Options<L>,
    shutdown: impl Future<Output = ()>,
) -> Result<Drained, ServeError>
where
    S: GrpcService,
    L: Layer<StandardServices<S>, Service: GrpcService>,
{
    start_check::check(&service, &options.methods).await?;
    let health = if options.health { Some(Health::serving(&options.services).await) } else { None };
    let reflection = options.reflection.then_some((&options.pool, &options.services[..]));
    let enable = Enable { health: health.as_ref(), reflection, compresses: options.compress };
    let service = options.layer.layer(StandardServices::new(service, &enable));
    let (mut incoming, files) = listen::accept(listeners)?;
    let workers = Workers::start(&options, &service)?;
    let permits = options.connections.max_connections.map(permits);
    let mut shutdown = pin!(shutdown);
    loop {
        let accept = async {
            let permit = match &permits {
                // The semaphore is never closed.
                Some(permits) => Arc::clone(permits).acquire_owned().await.ok(),
                None => None,
            };
            (permit, incoming.next().await)
        };
        let (permit, accepted) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept => accepted,
        };
        match accepted {
            None => break,
            Some(Ok(socket)) => workers.serve(socket, permit),
            Some(Err(error)) if is_caused_by_client(&error) => {}
            Some(Err(_)) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
        }
    }
    drop(incoming);
    drop(files);
    if let Some(health) = health {
        health.shut_down().await;
    }
    let cut_off = workers.shut_down(options.drain, &options.end_drain).await;
    Ok(Drained { cut_off })
}

/// One permit for each connection that may be open.
fn permits(connections: NonZeroUsize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(connections.get().min(Semaphore::MAX_PERMITS)))
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

#[cfg(test)]
mod tests {
    use super::listen::{self, LocalAddress};
    use super::{Options, ServeError, StartCheckError, serve};
    use crate::Number;
    use crate::grpcio::client;
    use crate::grpcio::wire::method::Methods;
    use crate::rpc::DESCRIPTORS;
    use crate::rpc::calculator_client::CalculatorClient;
    use crate::rpc::calculator_server::CalculatorServer;
    use crate::rpc::streaming_calculator_server::StreamingCalculatorServer;
    use crate::service::calculator::CalculatorService;
    use crate::service::streaming_calculator::StreamingCalculatorService;
    use std::future::pending;
    use tokio::sync::oneshot;
    use tonic::service::{Routes, interceptor::InterceptorLayer};
    use tonic::{Code, Request, Status};

    const SERVICES: [&str; 2] = ["Calculator", "StreamingCalculator"];

    fn routes() -> Routes {
        Routes::new(CalculatorServer::new(CalculatorService))
            .add_service(StreamingCalculatorServer::new(StreamingCalculatorService))
    }

    fn bind() -> (Vec<listen::Listener>, String) {
        let any = "127.0.0.1:0".parse().expect("an address");
        let listeners = listen::bind(&any, listen::Options::default()).expect("a port");
        let local = listeners[0].local_address().expect("bound");
        let LocalAddress::Tcp(address) = local else { panic!("{local}") };
        (listeners, address.to_string())
    }

    fn client(address: &str) -> CalculatorClient<client::GrpcioChannel> {
        let methods = Methods::from_descriptors(DESCRIPTORS, &SERVICES).expect("services");
        let address = address.parse().expect("an address");
        CalculatorClient::new(client::channel(&address, methods, client::Options::default()))
    }

    #[tokio::test]
    async fn the_router_of_tonic_is_served_until_the_shutdown() {
        let options = Options::new(DESCRIPTORS, &SERVICES).expect("services");
        let (listeners, address) = bind();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listeners, routes(), options, async {
            let _ = stopped.await;
        }));
        let mut client = client(&address);
        let root = client.square_root(Number { value: 4.0 }).await.expect("a root");
        assert!(root.into_inner().value.to_bits() == 2_f32.to_bits());
        let status = client.square_root(Number { value: -1.0 }).await.expect_err("an error");
        assert_eq!(status.message(), "Exception calling application: math domain error");
        drop(client);
        drop(stop);
        server.await.expect("no panic").expect("no error");
    }

    #[tokio::test]
    async fn a_layer_is_around_all_services() {
        let mut options = Options::new(DESCRIPTORS, &SERVICES).expect("services");
        options.health = true;
        let reject = |_: Request<()>| Err(Status::unauthenticated("no token"));
        let options = options.layer(InterceptorLayer::new(reject));
        let (listeners, address) = bind();
        tokio::spawn(serve(listeners, routes(), options, pending()));
        let status =
            client(&address).square_root(Number { value: 4.0 }).await.expect_err("an error");
        assert_eq!(status.code(), Code::Unauthenticated);
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_an_error_at_the_start() {
        let options = Options::new(DESCRIPTORS, &SERVICES).expect("services");
        let only_one = CalculatorServer::new(CalculatorService);
        let ended = serve(bind().0, only_one, options, pending()).await.expect_err("an error");
        let ServeError::Service(StartCheckError::MissingMethod { path }) = &ended else {
            panic!("{ended}")
        };
        assert_eq!(path, "/StreamingCalculator/RepeatedRoots");
    }
}
