//! Message encodings, and the decompression of a message.
//!
//! tonic's decompression is not used because grpcio distinguishes four kinds of failure, accepts
//! exactly one `deflate` or `gzip` stream, and stops at the size limit.

use flate2::{Decompress, FlushDecompress, Status as zlib};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use tonic::Status;

use super::message::MAX_MESSAGE_SIZE;

/// The header field that names the encoding of a call's messages.
pub(crate) const GRPC_ENCODING: &str = "grpc-encoding";

/// The header field that lists the encodings that a peer accepts.
pub(crate) const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// The encodings that grpcio accepts, in its order.
pub(crate) const ACCEPTED_ENCODINGS: HeaderValue =
    HeaderValue::from_static("identity, deflate, gzip");

/// The name of [`Encoding::Gzip`].
pub(crate) const GZIP: &str = "gzip";

/// The name of [`Encoding::Deflate`].
pub(crate) const DEFLATE: &str = "deflate";

/// grpcio grows its output in blocks of this size and checks the limit after each.
const BLOCK: usize = 1_024;

/// The largest window, which any stream may use.
const WINDOW_BITS: u8 = 15;

/// How the messages with the compressed flag are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
}

impl Encoding {
    /// The last encoding in `headers`, which have been checked before. grpcio uses the last one,
    /// too.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        headers.get_all(GRPC_ENCODING).iter().next_back().map_or(Self::Identity, Self::named)
    }

    /// The encoding called `name`.
    pub(crate) fn named(name: &HeaderValue) -> Self {
        match name.as_bytes() {
            name if name == GZIP.as_bytes() => Self::Gzip,
            name if name == DEFLATE.as_bytes() => Self::Deflate,
            _ => Self::Identity,
        }
    }

    /// Decompresses a message. Probes: `encoding-*`, `flag-without-encoding*`.
    pub(crate) fn decompress(self, payload: &[u8]) -> Result<Vec<u8>, Status> {
        let mut decoder = match self {
            Self::Identity => {
                return Err(Status::internal("Compression bit set but no encoding configured"));
            }
            // grpcio accepts an empty payload, which lacks even the header of the format.
            _ if payload.is_empty() => return Ok(Vec::new()),
            Self::Gzip => Decompress::new_gzip(WINDOW_BITS),
            Self::Deflate => Decompress::new(true),
        };
        let mut message = Vec::new();
        loop {
            message.reserve(BLOCK);
            let consumed = consumed(&decoder);
            let status = decoder
                .decompress_vec(&payload[consumed..], &mut message, FlushDecompress::Finish)
                .map_err(|_| failed("zlib error"))?;
            if message.len() >= (MAX_MESSAGE_SIZE / BLOCK + 1) * BLOCK {
                return Err(Status::resource_exhausted("Decompressed message larger than max"));
            }
            let has_room = message.len() < message.capacity();
            match status {
                zlib::StreamEnd if self::consumed(&decoder) < payload.len() => {
                    return Err(failed("not all input consumed"));
                }
                zlib::StreamEnd => return Ok(message),
                // All input is consumed and the output has room, so the stream is truncated.
                zlib::Ok | zlib::BufError if has_room => return Err(failed("data error")),
                zlib::Ok | zlib::BufError => {}
            }
        }
    }
}

fn consumed(decoder: &Decompress) -> usize {
    usize::try_from(decoder.total_in()).unwrap_or(usize::MAX)
}

fn failed(reason: &str) -> Status {
    Status::internal(format!("Decompression failed due to {reason}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Encoding, MAX_MESSAGE_SIZE};
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use std::io::Write;

    pub(crate) fn gzip(message: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(message).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn zlib(message: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(message).expect("into memory");
        encoder.finish().expect("into memory")
    }

    #[test]
    fn compressed_messages_survive_a_round_trip() {
        for length in [0, 1, 1_023, 1_024, 1_025, 100_000, MAX_MESSAGE_SIZE] {
            let message: Vec<u8> = (0..=250).cycle().take(length).collect();
            let decompressed = Encoding::Gzip.decompress(&gzip(&message)).expect("gzip");
            assert!(decompressed == message, "gzip of {length} bytes");
            let decompressed = Encoding::Deflate.decompress(&zlib(&message)).expect("deflate");
            assert!(decompressed == message, "deflate of {length} bytes");
        }
        assert_eq!(Encoding::Gzip.decompress(&[]).expect("an empty payload"), b"");
    }

    #[test]
    fn failures_have_the_messages_of_grpcio() {
        let good = gzip(b"message");
        let wrong_checksum = [&good[..good.len() - 8], &[0; 8]].concat();
        let cases = [
            (Encoding::Identity, good.clone(), "Compression bit set but no encoding configured"),
            (Encoding::Gzip, b"plain".to_vec(), "Decompression failed due to zlib error"),
            (Encoding::Gzip, zlib(b"message"), "Decompression failed due to zlib error"),
            (Encoding::Deflate, good.clone(), "Decompression failed due to zlib error"),
            (Encoding::Gzip, wrong_checksum, "Decompression failed due to zlib error"),
            (Encoding::Gzip, good[..9].to_vec(), "Decompression failed due to data error"),
            (
                Encoding::Gzip,
                [good.clone(), good.clone()].concat(),
                "Decompression failed due to not all input consumed",
            ),
        ];
        for (encoding, payload, expected) in cases {
            let status = encoding.decompress(&payload).expect_err(expected);
            assert_eq!(status.message(), expected);
        }
    }

    #[test]
    fn a_decompression_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 4 * MAX_MESSAGE_SIZE]);
        let status = Encoding::Gzip.decompress(&bomb).expect_err("too large");
        assert_eq!(status.message(), "Decompressed message larger than max");
    }
}
