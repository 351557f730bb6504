//! A message of a request is compressed only if that makes it shorter.
//!
//! tonic's compression is not used because it compresses every message, even if that makes it
//! longer.

use std::io::{self, Write};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use flate2::write::{GzEncoder, ZlibEncoder};
use http::HeaderValue;
use http_body::{Body, Frame, SizeHint};

use crate::grpcio::wire::compression::{DEFLATE, GZIP};
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};
use crate::grpcio::wire::message::{self, PREFIX_LENGTH, Prefix};

/// Compresses the messages of a call, as an extension of its request:
/// `request.extensions_mut().insert(Compression::Gzip)`. By default they are not compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 1950: the zlib format, not raw deflate.
    Deflate,
}

impl Compression {
    /// The value of `grpc-encoding`.
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

    /// The message in its shorter form; `framed` has a prefix, and so has the result.
    fn shorten(self, framed: Bytes) -> Bytes {
        if Prefix::read(&framed).is_some_and(Prefix::is_compressed) {
            return framed;
        }
        let message = framed.get(PREFIX_LENGTH..).unwrap_or_default();
        // Writing to memory does not fail.
        match self.compress(message) {
            Ok(shorter) if shorter.len() < message.len() => message::frame_compressed(&shorter),
            _ => framed,
        }
    }
}

/// Compresses the messages in `body`.
pub(super) fn compress<B>(body: B, compression: Compression) -> FilteredBody<B, CompressionFilter> {
    FilteredBody::new(body, CompressionFilter { compression, buffer: BytesMut::new() })
}

/// Compresses messages.
pub(super) struct CompressionFilter {
    compression: Compression,
    /// Data that is not a complete message yet.
    buffer: BytesMut,
}

impl CompressionFilter {
    /// The next complete message with its prefix.
    fn next(&mut self) -> Option<Bytes> {
        let length = Prefix::read(&self.buffer)?.length.checked_add(PREFIX_LENGTH)?;
        (self.buffer.len() >= length).then(|| self.buffer.split_to(length).freeze())
    }
}

impl<B: Body<Data = Bytes> + Unpin> BodyFilter<B> for CompressionFilter {
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        loop {
            if let Some(message) = self.next() {
                let message = self.compression.shorten(message);
                return Poll::Ready(Some(Ok(Frame::data(message))));
            }
            match ready!(body.poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.buffer.extend_from_slice(&data),
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
    }

    fn is_end_stream(&self, body: &B) -> bool {
        self.buffer.is_empty() && body.is_end_stream()
    }

    /// The sizes before and after compression differ.
    fn size_hint(&self, _: &B) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Compression, compress};
    use crate::grpcio::wire::compression::Encoding;
    use crate::grpcio::wire::message::{PREFIX_LENGTH, frame_uncompressed};
    use bytes::Bytes;
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use tonic::body::Body;

    /// The frames of a body that arrives in pieces of `size` bytes.
    async fn sent(compression: Compression, messages: &[&[u8]], size: usize) -> Vec<Bytes> {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|message| frame_uncompressed(message)).collect();
        let pieces = bytes
            .chunks(size)
            .map(|piece| Ok::<_, tonic::Status>(Frame::data(Bytes::copy_from_slice(piece))));
        let pieces: Vec<_> = pieces.collect();
        let body = Body::new(StreamBody::new(stream::iter(pieces)));
        let mut body = compress(body, compression);
        let mut frames = Vec::new();
        while let Some(frame) = body.frame().await {
            frames.push(frame.expect("from memory").into_data().expect("no trailers"));
        }
        frames
    }

    #[tokio::test]
    async fn each_message_is_sent_in_its_shorter_form() {
        // grpcio starts to use gzip at 25 or 22 bytes, and deflate at 12 bytes.
        let zeros = [0; 1000];
        let messages: [&[u8]; 4] = [&zeros, b"a", b"", &zeros[..100]];
        for (compression, encoding) in
            [(Compression::Gzip, Encoding::Gzip), (Compression::Deflate, Encoding::Deflate)]
        {
            for size in [1, 7, 100, 5000] {
                let frames = sent(compression, &messages, size).await;
                assert_eq!(frames.iter().map(|frame| frame[0]).collect::<Vec<_>>(), [1, 0, 0, 1]);
                for (frame, message) in frames.iter().zip(messages) {
                    let length =
                        u32::try_from(frame.len() - PREFIX_LENGTH).expect("short").to_be_bytes();
                    assert_eq!(frame[1..PREFIX_LENGTH], length);
                    let received = match frame[0] {
                        0 => frame[PREFIX_LENGTH..].to_vec(),
                        _ => {
                            encoding.decompress(&frame[PREFIX_LENGTH..]).expect("compressed above")
                        }
                    };
                    assert_eq!(received, message);
                }
            }
        }
    }
}
