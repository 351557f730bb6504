//! Header fields and messages: a call has the same outcome wherever its frames end, and its messages
//! are whole, limited and uncompressed.

use std::convert::Infallible;
use std::future::ready;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, ServiceExt};

use super::input::{Exchange, run, sized};
use crate::grpcio::client::read_response::ReadResponseLayer;
use crate::grpcio::server::message_memory::MessageMemory;
use crate::grpcio::server::{self, EarlyRequests};
use crate::grpcio::wire::codec::ServerSide;
use crate::grpcio::wire::compression::Encoding;
use crate::grpcio::wire::message::{MAX_MESSAGE_SIZE, PREFIX_LENGTH, Prefix};
use crate::grpcio::wire::message_decoder::MessageDecoder;
use crate::grpcio::wire::method::{MethodKind, Methods};
use crate::grpcio::wire::request_body::RequestBody;

const KINDS: [MethodKind; 4] = [
    MethodKind::Unary,
    MethodKind::ClientStreaming,
    MethodKind::ServerStreaming,
    MethodKind::Bidirectional,
];

const ENCODINGS: [Encoding; 3] = [Encoding::Identity, Encoding::Gzip, Encoding::Deflate];

/// One of `values`, by the first byte, and the other bytes.
fn choice<'a, T: Copy>(values: &[T], bytes: &'a [u8]) -> (T, &'a [u8]) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    (values[usize::from(*first) % values.len()], rest)
}

fn assert_is_message(framed: &[u8]) {
    let prefix = Prefix::read(framed).expect("a prefix");
    assert!(prefix.is_valid() && !prefix.is_compressed(), "{prefix:?}");
    assert_eq!(PREFIX_LENGTH + prefix.length, framed.len());
    assert!(prefix.length <= MAX_MESSAGE_SIZE);
}

/// What is decompressed is what another reader of the format decompresses.
pub(super) fn compression(bytes: &[u8]) {
    for encoding in [Encoding::Gzip, Encoding::Deflate] {
        let Ok(message) = encoding.decompress(bytes) else { continue };
        assert!(message.len() <= MAX_MESSAGE_SIZE + 1024);
        if bytes.is_empty() {
            assert_eq!(message, b"");
            continue;
        }
        let mut expected = Vec::new();
        let read = match encoding {
            Encoding::Gzip => GzDecoder::new(bytes).read_to_end(&mut expected),
            _ => ZlibDecoder::new(bytes).read_to_end(&mut expected),
        };
        assert_eq!(read.expect("a stream"), message.len());
        assert!(message == expected);
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("into memory");
    let gzip = gzip.finish().expect("into memory");
    assert_eq!(Encoding::Gzip.decompress(&gzip).expect("gzip"), bytes);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(bytes).expect("into memory");
    let zlib = zlib.finish().expect("into memory");
    assert_eq!(Encoding::Deflate.decompress(&zlib).expect("deflate"), bytes);
}

/// A body has the same messages in pieces of any size.
pub(super) fn message_decoder(bytes: &[u8]) {
    let (encoding, bytes) = choice(&ENCODINGS, bytes);
    let (size, bytes) = sized(bytes);
    let decode = |size| {
        let mut decoder = MessageDecoder::<ServerSide>::new(encoding);
        let mut messages = Vec::new();
        for piece in bytes.chunks(size) {
            decoder.push(Bytes::copy_from_slice(piece));
            loop {
                match decoder.next() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(status) => return (messages, Some(status.to_string()), false),
                }
            }
        }
        (messages, None, decoder.has_remainder())
    };
    let whole = decode(bytes.len().max(1));
    whole.0.iter().for_each(|message| assert_is_message(message));
    assert_eq!(decode(size), whole);
}

/// A request passes through all layers of the server. A handler receives whole messages.
pub(super) fn requests(bytes: &[u8]) {
    let (kind, bytes) = choice(&KINDS, bytes);
    let (size, bytes) = sized(bytes);
    let exchange = Exchange::parse(bytes);
    let call = |size| {
        let received: Arc<Mutex<Vec<Bytes>>> = Arc::default();
        let handler = tower::service_fn(|request: Request<RequestBody>| {
            let received = Arc::clone(&received);
            async move {
                let mut body = request.into_body();
                while let Some(frame) = body.frame().await {
                    match frame {
                        Ok(frame) => received.lock().expect("no panic").extend(frame.into_data()),
                        Err(status) => return Ok(status.into_http()),
                    }
                }
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"\0\0\0\0\0"))))
            }
        });
        let methods = Methods::new([("/a.B/C", kind)]);
        let service =
            server::layer(methods, EarlyRequests::default(), MessageMemory::default().connection())
                .service(handler);
        let mut request = Request::post("http://host/a.B/C").body(exchange.body(size));
        if let Ok(request) = &mut request {
            request.headers_mut().clone_from(&exchange.fields);
        }
        let response = service.oneshot(request.expect("a valid request"));
        let response = run(async {
            let response = response.await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map(|body| (body.trailers().cloned(), body.to_bytes()));
            Ok::<_, server::refusal::StreamReset>(format!("{:?} {body:?}", parts.headers))
        });
        let messages = std::mem::take(&mut *received.lock().expect("no panic"));
        (response, messages)
    };
    let whole = call(usize::MAX);
    whole.1.iter().for_each(|message| assert_is_message(message));
    if !kind.streams_requests() {
        assert!(whole.1.len() <= 1);
    }
    let pieces = call(size);
    let has_expired = |response: &Result<String, _>| {
        response.as_ref().is_ok_and(|response| response.contains("Deadline Exceeded"))
    };
    if !has_expired(&whole.0) && !has_expired(&pieces.0) {
        assert_eq!(pieces, whole);
    }
}

/// A response of a server, as a client reads it: it always ends with a status.
pub(super) fn responses(bytes: &[u8]) {
    let (kind, bytes) = choice(&KINDS, bytes);
    let (size, bytes) = sized(bytes);
    let (status, bytes) = choice(&[200, 200, 200, 400, 404, 500, 503], bytes);
    let exchange = Exchange::parse(bytes);
    let read = |size| {
        let mut response = Response::new(exchange.body(size));
        *response.status_mut() = StatusCode::from_u16(status).expect("a valid status");
        response.headers_mut().clone_from(&exchange.fields);
        let mut response = Some(response);
        let channel = tower::service_fn(move |_: Request<Body>| {
            ready(response.take().ok_or_else(|| Status::unknown("called twice")))
        });
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(kind);
        let call = ReadResponseLayer::new(Methods::default()).layer(channel).oneshot(request);
        run(async {
            let (parts, body) = call.await.expect("a response").into_parts();
            assert_eq!(parts.status, StatusCode::OK);
            let (mut messages, mut trailers) = (Vec::new(), None);
            let mut body = std::pin::pin!(body);
            while let Some(frame) = body.frame().await {
                assert!(trailers.is_none(), "nothing follows the trailers");
                match frame.expect("no error").into_data() {
                    Ok(message) => {
                        assert_is_message(&message);
                        messages.push(message);
                    }
                    Err(frame) => trailers = frame.into_trailers().ok(),
                }
            }
            assert!(kind.streams_responses() || messages.len() <= 1);
            let fields = trailers.as_ref().unwrap_or(&parts.headers);
            Status::from_header_map(fields).expect("a status");
            format!("{:?} {messages:?} {trailers:?}", parts.headers)
        })
    };
    assert_eq!(read(size), read(usize::MAX));
}
