//! Turns the bytes of a target into what a parser reads: pieces, a transport, header fields, a body.

use std::cell::OnceCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};
use tonic::body::Body;

/// The size of pieces that the first byte stands for, and the other bytes.
pub(super) fn sized(bytes: &[u8]) -> (usize, &[u8]) {
    let (size, rest) = bytes.split_first().unwrap_or((&0, &[]));
    (usize::from(size % 64) + 1, rest)
}

/// Runs a future to its end. All parsers run on one thread, with timers that never have to fire.
pub(super) fn run<F: Future>(future: F) -> F::Output {
    thread_local!(static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() });
    RUNTIME.with(|runtime| {
        let new = || Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.get_or_init(new).block_on(future)
    })
}

/// A transport from which bytes are read in pieces, and to which anything can be written.
#[derive(Debug)]
pub(super) struct Pieces<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(bytes: &'a [u8], size: usize) -> Self {
        Self { bytes, size }
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.size.min(self.bytes.len()).min(buffer.remaining());
        let (piece, rest) = self.bytes.split_at(length);
        buffer.put_slice(piece);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// All bytes that can be read from `transport`.
pub(super) async fn read_all(mut transport: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    transport.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Header fields, trailers and a body: lines of `name: value`, where a line of the trailers begins
/// with `!`; an empty line; and then the body.
pub(super) struct Exchange<'a> {
    pub(super) fields: HeaderMap,
    trailers: Option<HeaderMap>,
    body: &'a [u8],
}

impl<'a> Exchange<'a> {
    pub(super) fn parse(mut bytes: &'a [u8]) -> Self {
        let (mut fields, mut trailers) = (HeaderMap::new(), None::<HeaderMap>);
        loop {
            let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if line.is_empty() {
                return Self { fields, trailers, body: bytes };
            }
            let trailer = line.strip_prefix(b"!");
            let to = match trailer {
                Some(_) => trailers.get_or_insert_default(),
                None => &mut fields,
            };
            if let Some((name, value)) = field(trailer.unwrap_or(line)) {
                to.append(name, value);
            }
        }
    }

    /// The body in frames of this size, with the trailers.
    pub(super) fn body(&self, size: usize) -> Body {
        if self.body.is_empty() && self.trailers.is_none() {
            return Body::empty();
        }
        let data = self.body.chunks(size).map(|data| Frame::data(Bytes::copy_from_slice(data)));
        let trailers = self.trailers.clone().map(Frame::trailers);
        let frames: Vec<_> = data.chain(trailers).map(Ok::<_, Infallible>).collect();
        Body::new(StreamBody::new(stream::iter(frames)))
    }
}

/// A field that HTTP/2 allows; h2 refuses others.
fn field(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at(colon);
    let value = value.get(1..)?.trim_ascii_start();
    Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
}
