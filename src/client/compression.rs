//! Compressing the messages of a request.
//!
//! Not with tonic's compression, which sends a message compressed even where that makes it longer;
//! grpcio sends each message in whichever form is the shorter one.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use flate2::write::{GzEncoder, ZlibEncoder};
use http::HeaderValue;
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;

use crate::parity::compression::{DEFLATE, GZIP};
use crate::parity::message::{self, PREFIX, Prefix};

/// How the messages of a call are compressed: an extension of its request.
///
/// `request.extensions_mut().insert(Compression::Gzip)`; without one they are sent as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, which is zlib's format and not bare deflate.
    Deflate,
}

impl Compression {
    /// The call's `grpc-encoding`.
    pub(super) const fn encoding(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Gzip => GZIP,
            Self::Deflate => DEFLATE,
        })
    }

    fn compress(self, message: &[u8]) -> io::Result<Vec<u8>> {
        let level = flate2::Compression::default();
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(message)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(message)?;
                encoder.finish()
            }
        }
    }

    /// The message with its prefix, as it is sent.
    fn of(self, framed: Bytes) -> Bytes {
        if Prefix::read(&framed).is_some_and(Prefix::is_compressed) {
            return framed;
        }
        let message = framed.get(PREFIX..).unwrap_or_default();
        // Into memory, which does not fail.
        match self.compress(message) {
            Ok(shorter) if shorter.len() < message.len() => message::compressed(&shorter),
            _ => framed,
        }
    }
}

/// The body of a request whose messages become shorter where they can.
pub(super) struct CompressedBody {
    body: Body,
    compression: Compression,
    /// What has been read of the body and is no whole message yet.
    received: BytesMut,
}

impl CompressedBody {
    pub(super) fn new(body: Body, compression: Compression) -> Self {
        Self { body, compression, received: BytesMut::new() }
    }

    /// The next whole message with its prefix.
    fn next(&mut self) -> Option<Bytes> {
        let length = Prefix::read(&self.received)?.length.checked_add(PREFIX)?;
        (self.received.len() >= length).then(|| self.received.split_to(length).freeze())
    }
}

impl http_body::Body for CompressedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if let Some(message) = self.next() {
                return Poll::Ready(Some(Ok(Frame::data(self.compression.of(message)))));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.received.extend_from_slice(&data),
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.received.is_empty() && http_body::Body::is_end_stream(&self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::{CompressedBody, Compression};
    use crate::parity::compression::Encoding;
    use crate::parity::message::{PREFIX, plain};
    use bytes::Bytes;
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::body::Body;

    /// The frames of a body that came in pieces of `size` bytes.
    async fn sent(compression: Compression, messages: &[&[u8]], size: usize) -> Vec<Bytes> {
        let bytes: Vec<u8> = messages.iter().flat_map(|message| plain(message)).collect();
        let pieces = bytes
            .chunks(size)
            .map(|piece| Ok::<_, tonic::Status>(Frame::data(Bytes::copy_from_slice(piece))));
        let pieces: Vec<_> = pieces.collect();
        let body = Body::new(StreamBody::new(stream::iter(pieces)));
        let mut body = CompressedBody::new(body, compression);
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            frames.push(frame.expect("from memory").into_data().expect("no trailers"));
        }
        frames
    }

    #[tokio::test]
    async fn each_message_is_sent_in_the_shorter_form() {
        // 25 and 22 bytes are where grpcio begins to use gzip, 12 where it begins to use deflate.
        let zeros = [0; 1000];
        let messages: [&[u8]; 4] = [&zeros, b"a", b"", &zeros[..100]];
        for (compression, encoding) in
            [(Compression::Gzip, Encoding::Gzip), (Compression::Deflate, Encoding::Deflate)]
        {
            for size in [1, 7, 100, 5000] {
                let frames = sent(compression, &messages, size).await;
                assert_eq!(frames.iter().map(|frame| frame[0]).collect::<Vec<_>>(), [1, 0, 0, 1]);
                for (frame, message) in frames.iter().zip(messages) {
                    let length = u32::try_from(frame.len() - PREFIX).expect("short").to_be_bytes();
                    assert_eq!(frame[1..PREFIX], length);
                    let received = match frame[0] {
                        0 => frame[PREFIX..].to_vec(),
                        _ => encoding.decompress(&frame[PREFIX..]).expect("our own"),
                    };
                    assert_eq!(received, message);
                }
            }
        }
    }
}
