//! Bytes of a connection: what they are read as does not depend on the pieces in which they arrive.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncWriteExt, duplex};
use tokio::time::{Instant, timeout};

use super::input::{Pieces, read_all, run, sized};
use crate::grpcio::client::handshake::{HandshakeError, handshake as connect};
use crate::grpcio::serve::ConnectionOptions;
use crate::grpcio::serve::client_frames::{ClientState, Limits, SHUTDOWN_ACK, watch};
use crate::grpcio::serve::closing_socket::SocketState;
use crate::grpcio::serve::ping_strikes::PingStrikes;
use crate::grpcio::server::authority_rewrite::rewrite_authority;
use crate::grpcio::server::message_memory::MessageMemory;
use crate::grpcio::server::settings_ack::count_early_requests;
use crate::grpcio::server::{self, EarlyRequests};
use crate::grpcio::wire::http2::{FrameHeader, HEADER_LENGTH, PREFACE, PartialHeader};
use crate::grpcio::wire::method::{MethodKind, Methods};
use crate::grpcio::wire::request_body::RequestBody;

/// Longer than a client may take for anything.
const HOUR: Duration = Duration::from_secs(3600);

/// A header that is assembled from pieces is the one that is read at once.
pub(super) fn frame_headers(bytes: &[u8]) {
    let (size, bytes) = sized(bytes);
    let whole = bytes.chunks_exact(HEADER_LENGTH).map(FrameHeader::read);
    let (mut partial, mut assembled) = (PartialHeader::default(), Vec::new());
    for mut piece in bytes.chunks(size) {
        while !piece.is_empty() {
            let (consumed, header) = partial.take(piece);
            piece = &piece[consumed..];
            assembled.extend(header.map(Some));
        }
    }
    assert_eq!(whole.collect::<Vec<_>>(), assembled);
    assert_eq!(partial.has_begun(), !bytes.len().is_multiple_of(HEADER_LENGTH));
}

/// The early requests are those before the acknowledgement, and all bytes pass.
pub(super) fn settings_ack(bytes: &[u8]) {
    let (size, bytes) = sized(bytes);
    let count = |size| {
        let requests = EarlyRequests::default();
        let transport = count_early_requests(Pieces::new(bytes, size), requests.clone());
        assert_eq!(run(read_all(transport)).expect("no error"), bytes);
        std::iter::from_fn(|| requests.take().then_some(())).count()
    };
    let whole = count(usize::MAX);
    assert_eq!(count(size), whole);
    assert!(whole <= bytes.len() / HEADER_LENGTH);
}

/// Only what separates is replaced, the same bytes in pieces of any size, and only once.
pub(super) fn authority_rewrite(bytes: &[u8]) {
    let (size, bytes) = sized(bytes);
    let rewritten = |bytes: &[u8], size, is_unix| {
        let transport = rewrite_authority(Pieces::new(bytes, size), is_unix);
        run(read_all(transport)).expect("no error")
    };
    for (is_unix, separators, replacement) in [(true, &b"%"[..], b'_'), (false, b",:[]", b'.')] {
        let whole = rewritten(bytes, usize::MAX, is_unix);
        assert_eq!(rewritten(bytes, size, is_unix), whole);
        assert_eq!(whole.len(), bytes.len());
        let is_valid = |(new, old): (&u8, &u8)| {
            new == old || (*new == replacement && separators.contains(old))
        };
        assert!(whole.iter().zip(bytes).all(is_valid));
        assert_eq!(rewritten(&whole, usize::MAX, is_unix), whole);
    }
}

/// All bytes pass. The acknowledgement of a shutdown is inserted at most once.
pub(super) fn client_frames(bytes: &[u8]) {
    let (size, bytes) = sized(bytes);
    let end = Instant::now() + HOUR;
    let limits = Limits { handshake_end: end, settings_end: end, header_timeout: HOUR };
    for acknowledges in [false, true] {
        let state = ClientState::default();
        if acknowledges {
            state.acknowledge_shutdown();
        }
        let any_pings = ConnectionOptions { max_ping_strikes: 0, ..ConnectionOptions::default() };
        let pings = PingStrikes::new(&any_pings, SocketState::default());
        let transport = watch(Pieces::new(bytes, size), state.clone(), limits, pings);
        let read = run(read_all(transport)).expect("no error");
        if state.has_acknowledged() {
            let at = bytes.iter().zip(&read).take_while(|(sent, read)| sent == read).count();
            // The same bytes may have been sent, too, so they may begin before the difference.
            let inserted = (0..=at).any(|at| {
                let (before, rest) = read.split_at(at);
                let after = rest.strip_prefix(&SHUTDOWN_ACK[..]);
                after.is_some_and(|after| [before, after].concat() == bytes)
            });
            assert!(inserted && acknowledges, "{read:?}");
        } else {
            assert_eq!(read, bytes);
        }
    }
}

/// An established connection has the bytes of the server without the acknowledgement.
pub(super) fn handshake(bytes: &[u8]) {
    let (size, bytes) = sized(bytes);
    for size in [size, usize::MAX] {
        match run(connect(Pieces::new(bytes, size))) {
            Ok(established) => {
                let read = run(read_all(established)).expect("no error");
                assert_eq!(read, without_ack(bytes), "in pieces of {size}");
            }
            Err(HandshakeError::Closed | HandshakeError::NotHttp2 | HandshakeError::GoingAway) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// The frames without the first acknowledgement of SETTINGS. If there is none, the last header may
/// be one, so it is not read before it is complete.
fn without_ack(bytes: &[u8]) -> Vec<u8> {
    let mut at = 0;
    while let Some(header) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(frame) = FrameHeader::read(header) else { return bytes[..at].to_vec() };
        if frame.is_settings_ack() && frame.length == 0 {
            return [&bytes[..at], &bytes[at + HEADER_LENGTH..]].concat();
        }
        at += HEADER_LENGTH + frame.length;
    }
    bytes.to_vec()
}

/// A whole connection of a client that sends these bytes after the preface ends with them.
pub(super) fn connections(bytes: &[u8]) {
    let service = tower::service_fn(async |request: Request<RequestBody>| {
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        Ok::<_, Infallible>(match body {
            Ok(messages) => Response::new(Full::new(messages)),
            Err(status) => status.into_http(),
        })
    });
    let methods =
        Methods::new([("/a.B/C", MethodKind::Unary), ("/a.B/D", MethodKind::Bidirectional)]);
    run(async {
        let (client, transport) = duplex(4096);
        let layers = |early| {
            server::layer(methods, early, MessageMemory::default().connection()).service(service)
        };
        let connection = server::connection(transport, true, layers);
        let (mut responses, mut requests) = tokio::io::split(client);
        let send = async {
            // Fails if the server has closed the connection.
            let _ = requests.write_all(&[PREFACE, bytes].concat()).await;
            let _ = requests.shutdown().await;
        };
        let receive = async {
            let _ = tokio::io::copy(&mut responses, &mut tokio::io::sink()).await;
        };
        let ends = timeout(HOUR, async { tokio::join!(connection, send, receive) });
        let _ = ends.await.expect("the connection ends");
    });
}
