//! A body: pieces, and how they are cut into DATA frames.
//!
//! A piece is a message with its prefix unless it says otherwise; every part of the prefix can be
//! made to lie.

use std::io::Write;
use std::num::NonZero;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde::Deserialize;

use crate::http2::payload;
use crate::http2::text::Hex;
use crate::http2::value::Value;

/// One piece of a body: exactly one of `value`, `message`, `zeros` and `raw`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Piece {
    /// A `Number` with this value.
    pub(crate) value: Option<Value>,
    /// With `value`: padded with an unknown field to this many bytes.
    pub(crate) size: Option<usize>,
    /// A message's bytes.
    pub(crate) message: Option<Hex>,
    /// A message of this many zero bytes.
    pub(crate) zeros: Option<usize>,
    /// Bytes without a prefix.
    pub(crate) raw: Option<Hex>,
    /// The message is compressed, and its flag set.
    pub(crate) compressed: Option<Coding>,
    /// Another flag than the message has.
    pub(crate) flag: Option<u8>,
    /// Another length than the message has.
    pub(crate) length: Option<u32>,
    /// Only this many bytes of the (compressed) message are there, and the length says so.
    pub(crate) keep: Option<usize>,
    /// The byte at this place of the (compressed) message is inverted.
    pub(crate) corrupt: Option<usize>,
    /// Bytes after the (compressed) message, which the length counts.
    pub(crate) append: Option<Hex>,
    /// How many copies there are.
    pub(crate) times: Option<usize>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Coding {
    Gzip,
    /// What HTTP and gRPC call deflate: the zlib format.
    Deflate,
    /// Deflate without the zlib format around it.
    RawDeflate,
}

/// How a body is cut into DATA frames.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cut {
    /// A frame for every byte.
    EveryByte,
    /// Frames of this size.
    Every(NonZero<usize>),
    /// Frames of these sizes, and one for the rest.
    Sizes(Vec<usize>),
}

impl Piece {
    /// This message as it should be.
    pub(crate) fn of(message: &[u8]) -> Self {
        Self { message: Some(Hex(message.to_vec())), ..Self::default() }
    }

    /// The message of a legal request: its root is 4.
    pub(crate) fn root_of_16() -> Self {
        Self::of(&[0x0d, 0x00, 0x00, 0x80, 0x41])
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let kinds = [
            self.value.is_some(),
            self.message.is_some(),
            self.zeros.is_some(),
            self.raw.is_some(),
        ];
        if kinds.into_iter().filter(|is| *is).count() != 1 {
            return Err("a piece has one of `value`, `message`, `zeros` and `raw`".to_owned());
        }
        match (self.value, self.size) {
            (Some(value), Some(size)) => payload::padded(value, size).map(drop),
            (None, Some(_)) => Err("`size` pads a `value`".to_owned()),
            _ => Ok(()),
        }
    }

    /// The message before anything is done to it.
    pub(crate) fn plain_message(&self) -> Vec<u8> {
        match (self.value, self.size) {
            (Some(value), Some(size)) => payload::padded(value, size).unwrap_or_default(),
            (Some(value), None) => value.message(),
            _ => self.message.clone().map_or(vec![0; self.zeros.unwrap_or(0)], |Hex(hex)| hex),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        if let Some(Hex(raw)) = &self.raw {
            return raw.clone();
        }
        let mut message = self.plain_message();
        if let Some(coding) = self.compressed {
            message = coding.compress(&message);
        }
        message.truncate(self.keep.unwrap_or(message.len()));
        if let Some(byte) = self.corrupt.and_then(|at| message.get_mut(at)) {
            *byte ^= 0xff;
        }
        message.extend(self.append.iter().flat_map(|Hex(hex)| hex));
        let flag = self.flag.unwrap_or(u8::from(self.compressed.is_some()));
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let length = self.length.unwrap_or(length).to_be_bytes();
        [&[flag], &length[..], &message].concat()
    }
}

impl Coding {
    fn compress(self, message: &[u8]) -> Vec<u8> {
        let level = Compression::default();
        let compressed = match self {
            Self::Gzip => finish(GzEncoder::new(Vec::new(), level), message, GzEncoder::finish),
            Self::Deflate => {
                finish(ZlibEncoder::new(Vec::new(), level), message, ZlibEncoder::finish)
            }
            Self::RawDeflate => {
                finish(DeflateEncoder::new(Vec::new(), level), message, DeflateEncoder::finish)
            }
        };
        // Writing to memory does not fail.
        compressed.unwrap_or_default()
    }
}

fn finish<W: Write>(
    mut encoder: W,
    message: &[u8],
    finish: impl FnOnce(W) -> std::io::Result<Vec<u8>>,
) -> std::io::Result<Vec<u8>> {
    encoder.write_all(message)?;
    finish(encoder)
}

/// All bytes of a body.
pub(crate) fn bytes(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.bytes().repeat(piece.times.unwrap_or(1))).collect()
}

impl Cut {
    /// `body` in frames; at least one, which may be empty.
    pub(crate) fn apply<'a>(&self, body: &'a [u8]) -> Vec<&'a [u8]> {
        match self {
            Self::EveryByte => body.chunks(1).collect(),
            Self::Every(size) => body.chunks(size.get()).collect(),
            Self::Sizes(sizes) => {
                let mut rest = body;
                let mut frames = Vec::new();
                for size in sizes {
                    let (frame, after) = rest.split_at((*size).min(rest.len()));
                    frames.push(frame);
                    rest = after;
                }
                if !rest.is_empty() || frames.is_empty() {
                    frames.push(rest);
                }
                frames
            }
        }
    }

    /// `part` in frames of at most `largest` bytes; none for an empty part, unless it is the `last`.
    pub(crate) fn frames<'a>(&self, part: &'a [u8], largest: usize, last: bool) -> Vec<&'a [u8]> {
        let chunks = |frame: &'a [u8]| {
            if frame.is_empty() { vec![frame] } else { frame.chunks(largest).collect() }
        };
        let mut frames: Vec<_> = self.apply(part).into_iter().flat_map(chunks).collect();
        if part.is_empty() {
            frames.truncate(usize::from(last));
        }
        frames
    }
}
