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
