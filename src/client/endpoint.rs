//! A channel to an address, with grpcio's limits.
//!
//! How much a server may send ahead of its reader is decided here, because the library keeps all of it
//! in memory and a call that is not read must not hold up the others.

use std::time::Duration;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use tonic::transport::Endpoint;

use super::connect::Connector;
use super::pipe::Executor;
use super::tls::Tls;
use super::{AnswerKind, ParityChannel, layer};
use crate::address::Address;

/// Pings that find out that a server is gone while a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Keepalive {
    /// How long a connection may be silent before a ping is sent.
    pub interval: Duration,
    /// How long the answer to a ping may take before the connection is given up.
    pub timeout: Duration,
}

/// What a channel does beside connecting. By default nothing: no pings, and nothing is encrypted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether a server that is silent is pinged.
    pub keepalive: Option<Keepalive>,
    /// Whether the connection is encrypted, and who has to be at the other end.
    pub tls: Option<Tls>,
}

/// The longest header list that is read at all. What is longer than grpcio takes and shorter than
/// this has a status of its own; what is longer breaks the connection.
const LONGEST_HEADER_LIST: u32 = 16 * 1024 * 1024;

/// The largest frame. h2 takes the fewer CONTINUATION frames the larger this is.
const LARGEST_FRAME: u32 = 256 * 1024;

/// What a server may send of an answer ahead of its reader. h2 keeps each frame with some 270 bytes
/// of its own, so that a stream of small messages that nobody reads takes up 30 times as much memory.
const STREAM_WINDOW: u32 = 1024 * 1024;

/// What a server may send of all answers ahead of their readers: the most that HTTP/2 knows, so that
/// only a stream's own window ever stops it. With less, a few calls that nobody reads would fill the
/// connection, and all others would wait for them.
///
/// h2 also takes it for the measure of how many small frames may wait for their readers: each counts
/// 256 bytes less its payload, and with half of the window, 1 GiB, the connection ends. A stream's own
/// window holds at most a quarter of that, in frames of one byte.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// Whom a server behind a Unix socket is called. grpcio says the socket's path, percent-encoded,
/// which the `http` crate takes for no authority.
const UNIX_AUTHORITY: Authority = Authority::from_static("localhost");

/// A server at `uri`, with grpcio's limits; what else tonic offers can be set as well.
pub fn endpoint(uri: Uri) -> Endpoint {
    Endpoint::from(uri)
        .http2_max_header_list_size(LONGEST_HEADER_LIST)
        .max_frame_size(LARGEST_FRAME)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .executor(Executor)
}

/// A channel to `address`. No connection is made before the first call, as in grpcio: a client whose
/// server is not there yet can be made, and the call says UNAVAILABLE.
///
/// Has to be called inside a tokio runtime.
#[must_use]
pub fn channel(address: &Address, options: Options) -> ParityChannel {
    let Options { keepalive, tls } = options;
    let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let host = match address {
        Address::Tcp(authority) => authority.clone(),
        Address::Unix(_) => UNIX_AUTHORITY,
    };
    // As grpcio does, a name that overrides the host's also goes into the calls.
    let name = tls.as_ref().and_then(Tls::authority).unwrap_or_else(|| host.clone());
    let mut endpoint = endpoint(uri(scheme.clone(), host)).origin(uri(scheme, name));
    if let Some(keepalive) = keepalive {
        endpoint = endpoint
            .http2_keep_alive_interval(keepalive.interval)
            .keep_alive_timeout(keepalive.timeout);
    }
    let mut connector = Connector::default();
    if let Address::Unix(path) = address {
        connector = connector.with_socket(path.clone());
    }
    if let Some(tls) = tls {
        connector = connector.with_tls(tls);
    }
    layer(AnswerKind::of_method).service(endpoint.connect_with_connector_lazy(connector))
}

fn uri(scheme: Scheme, authority: Authority) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(authority);
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    #[expect(clippy::expect_used, reason = "only a missing part is an error")]
    Uri::from_parts(parts).expect("all parts are there")
}

#[cfg(test)]
mod tests {
    use super::{Options, channel};
    use crate::Number;
    use crate::frame_header::{self, FrameHeader, HEADERS, PREFACE, SETTINGS};
    use crate::rpc::streaming_calculator_client::StreamingCalculatorClient;
    use std::io;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;

    const PING: u8 = 6;

    /// As many as in the case of gRPC's own with the smallest frames, all of five bytes.
    const MESSAGES: usize = 62_832;

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("short");
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    /// Answers one call with empty messages, each in a frame of its own, without the end; tells when
    /// the client has taken note of all of them.
    async fn serve(listener: TcpListener, taken: oneshot::Sender<()>) -> io::Result<()> {
        let (mut socket, _) = listener.accept().await?;
        let mut taken = Some(taken);
        socket.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
        socket.read_exact(&mut [0; PREFACE.len()]).await?;
        loop {
            let mut header = [0; frame_header::LENGTH];
            socket.read_exact(&mut header).await?;
            let header = FrameHeader::read(&header).expect("all of it");
            socket.read_exact(&mut vec![0; header.length]).await?;
            match header.kind {
                SETTINGS if !header.acknowledges() => {
                    socket.write_all(&frame(SETTINGS, 1, 0, &[])).await?;
                }
                HEADERS => {
                    let fields = b"\x88\x00\x0ccontent-type\x10application/grpc";
                    let answers = frame(0, 0, 1, &[0; 5]).repeat(MESSAGES);
                    let answer =
                        [frame(HEADERS, 4, 1, fields), answers, frame(PING, 0, 0, b"all read")];
                    socket.write_all(&answer.concat()).await?;
                }
                PING => taken.take().map_or(Ok(()), |taken| taken.send(())).expect("a test"),
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn tens_of_thousands_of_small_frames_wait_for_their_reader() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let channel = channel(&address.parse().expect("an address"), Options::default());
        let mut stub = StreamingCalculatorClient::new(channel);
        let (taken, all_taken) = oneshot::channel();
        tokio::spawn(serve(listener, taken));
        let read = async {
            let numbers = tokio_stream::once(Number::default());
            let mut answers = stub.root_of_each(numbers).await.expect("an answer").into_inner();
            all_taken.await.expect("a connection that lasts");
            for _ in 0..MESSAGES {
                answers.message().await.expect("no error").expect("no end");
            }
        };
        tokio::time::timeout(Duration::from_secs(60), read).await.expect("all of them");
    }
}
