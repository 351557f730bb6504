//! A channel limits how much a server may send before it is read, and has all rules of this side.
//!
//! The limits are explicit because h2 keeps everything that has not been read in memory, and a call
//! that is not read must not block the others.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use tonic::transport::{Channel, Endpoint};
use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};

use super::connect::Connector;
use super::deadline::{Deadline, DeadlineLayer};
use super::keepalive::Keepalive;
use super::proxy::Proxies;
use super::read_response::{ReadResponse, ReadResponseLayer};
use super::request_task::Executor;
use super::retry::{Retry, RetryLayer};
use super::tls::Tls;
use crate::grpcio::address::Address;
use crate::grpcio::wire::method::Methods;

/// All layers, in order from the innermost to the outermost.
pub type ClientLayers = Stack<RetryLayer, Stack<ReadResponseLayer, Stack<DeadlineLayer, Identity>>>;

/// A channel with all layers.
pub type GrpcioChannel = Deadline<ReadResponse<Retry<Channel>>>;

/// The layers for a channel that calls these `methods`.
#[must_use]
pub fn layer(methods: Methods) -> ServiceBuilder<ClientLayers> {
    ServiceBuilder::new()
        .layer(DeadlineLayer)
        .layer(ReadResponseLayer::new(methods))
        .layer(RetryLayer)
}

/// The options of a channel. By default there are no pings, no encryption and no proxy.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Pings while a call waits.
    pub keepalive: Option<Keepalive>,
    /// TLS for the connections.
    pub tls: Option<Tls>,
    /// The HTTP proxy. The environment counts only with [`Proxies::from_env`]; `grpc.enable_http_proxy`
    /// of grpcio is on by default.
    pub proxies: Proxies,
}

/// The longest header list that is read. A list that exceeds the limit of grpcio but not this one
/// fails the call with a specific status; a longer one fails the connection.
const MAX_HEADER_LIST_SIZE: u32 = 16 * 1024 * 1024;

/// The largest frame. The larger it is, the fewer CONTINUATION frames h2 accepts.
const MAX_FRAME_SIZE: u32 = 256 * 1024;

/// How much of a response a server may send before it is read. h2 adds about 270 bytes to each
/// frame, so a stream of small messages that is not read needs up to 30 times as much memory.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// How much of all responses a server may send before they are read: the maximum of HTTP/2, so that
/// only the window of a stream limits it. With a smaller window, a few calls that are not read
/// would block all other calls on the connection.
///
/// h2 also derives from it how many small frames may be buffered: each counts as 256 bytes minus
/// its payload, and at half of the window, 1 GiB, the connection ends. The window of a stream holds
/// at most a quarter of that, in frames of one byte.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// The authority of a server behind a Unix socket. grpcio sends the percent-encoded path of the
/// socket, which the `http` crate rejects.
const UNIX_AUTHORITY: Authority = Authority::from_static("localhost");

/// The authority of the calls to `address`.
///
/// grpcio sends the whole list if there are several addresses. The `http` crate rejects that, and so
/// would many servers.
fn authority(address: &Address) -> Authority {
    let first = match address {
        Address::Tcp(authority) => return authority.clone(),
        Address::Sockets(addresses) => addresses.first().map(ToString::to_string),
        Address::Unix(_) | Address::UnixAbstract(_) => None,
    };
    first.and_then(|address| address.parse().ok()).unwrap_or(UNIX_AUTHORITY)
}

/// An endpoint at `uri` with the limits of grpcio, which can be configured further.
pub fn endpoint(uri: Uri) -> Endpoint {
    Endpoint::from(uri)
        .http2_max_header_list_size(MAX_HEADER_LIST_SIZE)
        .max_frame_size(MAX_FRAME_SIZE)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .executor(Executor)
}

/// A channel to `address` for these `methods`, usually from
/// [`Methods::from_descriptors`]. Any other method counts as unary.
///
/// As in grpcio, no connection is made before the first call, which fails with UNAVAILABLE if there
/// is no server. Has to be called within a tokio runtime.
#[must_use]
pub fn channel(address: &Address, methods: Methods, options: Options) -> GrpcioChannel {
    let Options { keepalive, tls, proxies } = options;
    let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let host = authority(address);
    // As in grpcio, a name that overrides the host is also the authority of the calls.
    let name = tls.as_ref().and_then(Tls::authority).unwrap_or_else(|| host.clone());
    let endpoint = endpoint(uri(scheme.clone(), host)).origin(uri(scheme, name));
    let mut connector = Connector::default().with_address(address).with_proxies(proxies);
    if let Some(keepalive) = keepalive {
        connector = connector.with_keepalive(keepalive);
    }
    if let Some(tls) = tls {
        connector = connector.with_tls(tls);
    }
    layer(methods).service(endpoint.connect_with_connector_lazy(connector))
}

fn uri(scheme: Scheme, authority: Authority) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(authority);
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    #[expect(clippy::expect_used, reason = "only missing parts are an error")]
    Uri::from_parts(parts).expect("all parts are there")
}

#[cfg(test)]
mod tests {
    use super::{GrpcioChannel, Methods, Options, channel};
    use crate::grpcio::client::deadline::request;
    use crate::grpcio::wire::http2::{self, FrameHeader, HEADERS, PREFACE, SETTINGS};
    use crate::grpcio::wire::method::MethodKind;
    use futures_util::stream;
    use h2::Reason;
    use http::Response;
    use std::future::poll_fn;
    use std::io;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;
    use tonic::{Code, Status};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

    const PING: u8 = 6;

    /// As many as in the test of gRPC itself with the smallest frames, which have five bytes each.
    const MESSAGES: usize = 62_832;

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("short");
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    /// Responds to one call with empty messages, each in a frame of its own, and without an end.
    /// Signals when the client has received all of them.
    async fn serve(listener: TcpListener, received: oneshot::Sender<()>) -> io::Result<()> {
        let (mut socket, _) = listener.accept().await?;
        let mut received = Some(received);
        socket.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
        socket.read_exact(&mut [0; PREFACE.len()]).await?;
        loop {
            let mut header = [0; http2::HEADER_LENGTH];
            socket.read_exact(&mut header).await?;
            let header = FrameHeader::read(&header).expect("a whole header");
            socket.read_exact(&mut vec![0; header.length]).await?;
            match header.kind {
                SETTINGS if !header.is_settings_ack() => {
                    socket.write_all(&frame(SETTINGS, 1, 0, &[])).await?;
                }
                HEADERS => {
                    let fields = b"\x88\x00\x0ccontent-type\x10application/grpc";
                    let messages = frame(0, 0, 1, &[0; 5]).repeat(MESSAGES);
                    let response =
                        [frame(HEADERS, 4, 1, fields), messages, frame(PING, 0, 0, b"all read")];
                    socket.write_all(&response.concat()).await?;
                }
                PING => {
                    received.take().map_or(Ok(()), |received| received.send(())).expect("a test");
                }
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn tens_of_thousands_of_small_frames_are_buffered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let mut stub = ServerReflectionClient::new(open(&address, reflection()));
        let (received, all_received) = oneshot::channel();
        tokio::spawn(serve(listener, received));
        let read = async {
            let requests = tokio_stream::once(ServerReflectionRequest::default());
            let response = stub.server_reflection_info(requests).await.expect("a response");
            let mut messages = response.into_inner();
            all_received.await.expect("a connection that lasts");
            for _ in 0..MESSAGES {
                messages.message().await.expect("no error").expect("no end");
            }
        };
        tokio::time::timeout(Duration::from_secs(60), read).await.expect("all of them");
    }

    fn reflection() -> Methods {
        let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        Methods::new([(path, MethodKind::Bidirectional)])
    }

    fn open(address: &str, methods: Methods) -> GrpcioChannel {
        channel(&address.parse().expect("an address"), methods, Options::default())
    }

    async fn listener() -> (TcpListener, HealthClient<GrpcioChannel>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        (listener, HealthClient::new(open(&address, Methods::default())))
    }

    fn check(timeout: Option<Duration>) -> tonic::Request<HealthCheckRequest> {
        request(HealthCheckRequest::default(), timeout)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_a_response_ends_at_its_deadline() {
        let (_silent, mut stub) = listener().await;
        let response = stub.check(check(Some(Duration::from_secs(10)))).await;
        let status: Status = response.expect_err("a deadline");
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(status.message(), "Deadline Exceeded");
    }

    #[tokio::test]
    async fn a_closed_connection_is_unavailable() {
        let (listener, mut stub) = listener().await;
        let call = stub.check(check(None));
        let close = async { drop(listener.accept().await.expect("a connection")) };
        let (response, ()) = tokio::join!(call, close);
        assert_eq!(response.expect_err("no response").code(), Code::Unavailable);
    }

    /// How much HTTP/2 allows a client to send before the server reads anything.
    const WINDOW: usize = 65_535;

    /// Responds to one call with header fields only, and does not read its messages. Signals when
    /// the flow control window is exhausted, and returns the reason of the reset.
    async fn stall(listener: TcpListener, is_full: oneshot::Sender<()>) -> Reason {
        let (socket, _) = listener.accept().await.expect("a client");
        let mut connection = h2::server::handshake(socket).await.expect("HTTP/2");
        let (request, mut respond) =
            connection.accept().await.expect("a call").expect("a valid call");
        let response = Response::builder().header("content-type", "application/grpc");
        let mut response =
            respond.send_response(response.body(()).expect("valid"), false).expect("a client");
        let mut requests = request.into_body();
        let until_reset = async {
            let mut received = 0;
            while received < WINDOW {
                received += requests.data().await.expect("more").expect("no reset").len();
            }
            is_full.send(()).expect("a waiting test");
            poll_fn(|cx| response.poll_reset(cx)).await.expect("a reset")
        };
        tokio::select! {
            reason = until_reset => reason,
            _ = connection.accept() => panic!("neither another call nor an end"),
        }
    }

    #[tokio::test]
    async fn a_dropped_call_is_reset_even_if_the_server_reads_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let mut stub = ServerReflectionClient::new(open(&address, reflection()));
        let (is_full, full) = oneshot::channel();
        let call = async {
            let requests = stream::repeat(ServerReflectionRequest {
                host: "host".to_owned(),
                message_request: None,
            });
            let response = stub.server_reflection_info(requests).await;
            full.await.expect("a stalled server");
            drop(response.expect("header fields"));
        };
        let both = async { tokio::join!(stall(listener, is_full), call) };
        let ended = tokio::time::timeout(Duration::from_secs(10), both).await;
        assert_eq!(ended.expect("a reset").0, Reason::CANCEL);
    }
}
