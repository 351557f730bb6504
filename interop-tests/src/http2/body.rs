//! The body of a request or response: gRPC messages as written in tables, and their division into DATA frames.
//!
//! By default a piece is a message with a correct prefix; every part of the prefix can be overridden.

use std::io::Read;
use std::num::NonZero;

use flate2::Compression;
use flate2::bufread::{DeflateEncoder, GzEncoder, ZlibEncoder};
use grpc_interop_protocol::hex;
use prost::encoding::{encode_varint, encoded_len_varint};
use serde::{Deserialize, Serialize};

use crate::http2::value::{Hex, Value};

/// One piece of a body: exactly one of `value`, `message`, `zeros` and `raw`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Piece {
    /// A `Number` with this value.
    pub(crate) value: Option<Value>,
    /// With `value`: pads the message with an unknown field to this number of bytes.
    pub(crate) size: Option<usize>,
    /// The bytes of a message.
    pub(crate) message: Option<Hex>,
    /// A message of this number of zero bytes.
    pub(crate) zeros: Option<usize>,
    /// Bytes without a prefix.
    pub(crate) raw: Option<Hex>,
    /// Compresses the message and sets its flag to 1.
    pub(crate) compressed: Option<Coding>,
    /// Overrides the flag.
    pub(crate) flag: Option<u8>,
    /// Overrides the length.
    pub(crate) length: Option<u32>,
    /// Truncates the (compressed) message to this number of bytes. The length is that of the truncated message.
    pub(crate) keep: Option<usize>,
    /// Inverts the byte at this offset of the (compressed) message.
    pub(crate) corrupt: Option<usize>,
    /// Appends bytes to the (compressed) message. The length includes them.
    pub(crate) append: Option<Hex>,
    /// The number of copies.
    pub(crate) times: Option<usize>,
}

/// The compression of a message.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Coding {
    Gzip,
    /// The zlib format, which HTTP and gRPC call deflate.
    Deflate,
    /// A deflate stream without zlib header and checksum.
    RawDeflate,
}

/// How a body is divided into DATA frames.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cut {
    /// One frame for each byte.
    EveryByte,
    /// Frames of this size.
    Every(NonZero<usize>),
    /// Frames of these sizes and one for the rest.
    Sizes(Vec<usize>),
}

impl Default for Cut {
    fn default() -> Self {
        Self::Sizes(Vec::new())
    }
}

impl Piece {
    /// A legal message.
    pub(crate) fn of(message: &[u8]) -> Self {
        Self { message: Some(Hex(message.to_vec())), ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { value, message, zeros, raw, .. } = self;
        let kinds = [value.is_some(), message.is_some(), zeros.is_some(), raw.is_some()];
        if kinds.into_iter().filter(|is| *is).count() != 1 {
            let kinds = "`value`, `message`, `zeros` and `raw`";
            return Err(format!("a piece needs exactly one of {kinds}"));
        }
        match (self.value, self.size) {
            (Some(value), Some(size)) => {
                start_of_padded(&value.message(), PADDING_FIELD, size).map(drop)
            }
            (None, Some(_)) => Err("size: allowed only together with `value`".to_owned()),
            _ => Ok(()),
        }
    }

    /// The message before it is compressed or changed.
    pub(crate) fn plain_message(&self) -> Vec<u8> {
        match (self.value, self.size) {
            (Some(value), Some(size)) => padded(value, size).unwrap_or_default(),
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
    /// `message` in this format.
    pub(crate) fn compress(self, message: &[u8]) -> Vec<u8> {
        let level = Compression::default();
        let mut encoder: Box<dyn Read> = match self {
            Self::Gzip => Box::new(GzEncoder::new(message, level)),
            Self::Deflate => Box::new(ZlibEncoder::new(message, level)),
            Self::RawDeflate => Box::new(DeflateEncoder::new(message, level)),
        };
        let mut compressed = Vec::new();
        // Reading from memory does not fail.
        let _ = encoder.read_to_end(&mut compressed);
        compressed
    }
}

/// The body of a request for the root of 16.
pub(crate) fn root_of_16() -> Vec<Piece> {
    vec![Piece::of(&[0x0d, 0x00, 0x00, 0x80, 0x41])]
}

/// All bytes of a body.
pub(crate) fn bytes(pieces: &[Piece]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.bytes().repeat(piece.times.unwrap_or(1))).collect()
}

impl Cut {
    /// Divides `body` into frames: at least one, which may be empty.
    pub(crate) fn apply<'a>(&self, body: &'a [u8]) -> Vec<&'a [u8]> {
        match self {
            Self::EveryByte => body.chunks(1).collect(),
            Self::Every(size) => body.chunks(size.get()).collect(),
            Self::Sizes(sizes) => {
                let mut rest = body;
                let split = |size: &usize| rest.split_off(..(*size).min(rest.len()));
                let mut frames: Vec<_> = sizes.iter().filter_map(split).collect();
                if !rest.is_empty() || frames.is_empty() {
                    frames.push(rest);
                }
                frames
            }
        }
    }

    /// Divides `part` into frames of at most `largest` bytes. An empty part has no frame unless it is the `last`.
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

/// The text for a message without bytes.
pub(crate) const EMPTY: &str = "empty";

/// The separator between messages.
pub(crate) const BETWEEN: &str = "; ";

/// A field that `Number` does not have.
const PADDING_FIELD: u32 = 15;

/// A `Number` of exactly `size` bytes. The error is that this is impossible. The padding is an unknown field, which
/// every receiver must ignore.
pub(crate) fn padded(value: Value, size: usize) -> Result<Vec<u8>, String> {
    padded_message(&value.message(), PADDING_FIELD, size)
}

/// `message` with padding in the unknown field number `field`, exactly `size` bytes. The error is that this is
/// impossible.
pub(crate) fn padded_message(message: &[u8], field: u32, size: usize) -> Result<Vec<u8>, String> {
    let mut padded = start_of_padded(message, field, size)?;
    padded.resize(size, 0);
    Ok(padded)
}

/// A padded message of `size` bytes without the zeros at its end.
fn start_of_padded(message: &[u8], field: u32, size: usize) -> Result<Vec<u8>, String> {
    const LENGTH_DELIMITED: u64 = 2;
    let mut message = message.to_vec();
    encode_varint(u64::from(field) << 3 | LENGTH_DELIMITED, &mut message);
    let room = size.checked_sub(message.len());
    // The length of the padding depends on the size of its own length field.
    let length = room.and_then(|room| {
        let is_right = |width: &usize| encoded_len_varint((room - width) as u64) == *width;
        (1..=room.min(5)).find(is_right).map(|width| room - width)
    });
    let length =
        length.ok_or_else(|| format!("size: this message cannot be padded to {size} bytes"))?;
    encode_varint(length as u64, &mut message);
    Ok(message)
}

/// The length-prefixed messages in `data` in hex, with their flag unless it is 0. Long messages are shown by length
/// and checksum, which is sufficient for a comparison.
pub(crate) fn shown(mut data: &[u8]) -> String {
    const SHOWN: usize = 64;
    let mut messages = Vec::new();
    while !data.is_empty() {
        let Some(([flag, length @ ..], rest)) = data.split_first_chunk::<5>() else {
            messages.push(format!("a part of a prefix: {}", hex::encode(data)));
            break;
        };
        let length = u32::from_be_bytes(*length) as usize;
        let Some((message, rest)) = rest.split_at_checked(length) else {
            messages.push(format!("{} of {length} bytes", rest.len()));
            break;
        };
        let shown = match message.len() {
            0 => EMPTY.to_owned(),
            length if length > SHOWN => {
                format!("{length} bytes, checksum {:016x}", checksum(message))
            }
            _ => hex::encode(message),
        };
        messages.push(if *flag == 0 { shown } else { format!("flag {flag} {shown}") });
        data = rest;
    }
    messages.join(BETWEEN)
}

/// The FNV-1a hash of `bytes`. Goldens contain it, so it must not change with the standard library.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{Coding, Cut, Piece, bytes};
    use crate::http2::value::Hex;

    fn piece(text: &str) -> Piece {
        toml::from_str(text).expect("the piece is invalid")
    }

    #[test]
    fn a_message_has_a_prefix_that_can_be_wrong() {
        assert_eq!(bytes(&[piece("message = 'abcd'")]), b"\0\0\0\0\x02\xab\xcd");
        assert_eq!(bytes(&[piece("zeros = 1\nflag = 3\nlength = 258")]), b"\x03\0\0\x01\x02\0");
        let changed = piece("message = '010203'\nkeep = 2\ncorrupt = 1\nappend = '04'");
        assert_eq!(bytes(&[changed]), b"\0\0\0\0\x03\x01\xfd\x04");
        assert_eq!(
            bytes(&[piece("raw = '07'\ntimes = 3"), piece("raw = '08'")]),
            b"\x07\x07\x07\x08"
        );
    }

    #[test]
    fn a_compressed_message_has_its_flag() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::RawDeflate] {
            let piece = Piece { compressed: Some(coding), ..Piece::of(&[0; 1000]) };
            let body = bytes(&[piece]);
            assert_eq!((body[0], usize::from(body[4])), (1, body.len() - 5));
            assert!(body.len() < 100);
        }
    }

    #[test]
    fn a_piece_has_exactly_one_key() {
        assert_eq!(Piece::of(b"").check(), Ok(()));
        Piece { raw: Some(Hex(Vec::new())), ..Piece::of(b"") }.check().expect_err("two");
        Piece::default().check().expect_err("none");
        piece("message = ''\nsize = 9").check().expect_err("no value");
        piece("value = 4.0\nsize = 3").check().expect_err("too small");
        piece("value = 4.0\nsize = 9").check().expect("padded");
    }

    #[test]
    fn a_body_can_be_truncated() {
        let cut = |cut: Cut| cut.apply(b"abcde");
        assert_eq!(cut(Cut::EveryByte).len(), 5);
        assert_eq!(cut(Cut::Sizes(Vec::new())), [b"abcde"]);
        assert_eq!(cut(Cut::Sizes(vec![2, 0, 1])), [&b"ab"[..], b"", b"c", b"de"]);
        assert_eq!(cut(Cut::Sizes(vec![9, 9])), [&b"abcde"[..], b""]);
        let frames = |part, last| Cut::Sizes(Vec::new()).frames(part, 2, last);
        assert_eq!(frames(b"abcde", false), [&b"ab"[..], b"cd", b"e"]);
        assert_eq!((frames(b"", false).len(), frames(b"", true).len()), (0, 1));
    }

    use prost::Message as _;

    use super::{Value, padded, shown};

    #[test]
    fn a_message_is_padded_to_a_size_or_there_is_none() {
        let value = Value::from_hex("41800000").expect("16.0");
        for size in [7, 8, 134, 136, 16_391, 16_393, 70_000] {
            let message = padded(value, size).expect("padding");
            assert_eq!(message.len(), size);
            assert!(message.starts_with(&value.message()));
            // Any message skips unknown fields and refuses wrong lengths.
            <()>::decode(&message[..]).expect("legal protobuf");
        }
        // The message, the key and the length take 7 bytes; from 128 bytes on, the length takes two.
        for size in [0, 5, 6, 135, 16_392] {
            padded(value, size).expect_err("no padding has this size");
        }
    }

    #[test]
    fn messages_are_shown_with_their_flags_and_what_is_missing() {
        assert_eq!(shown(b""), "");
        assert_eq!(shown(b"\0\0\0\0\0"), "empty");
        assert_eq!(shown(b"\0\0\0\0\x01a\x01\0\0\0\x02bc"), "61; flag 1 6263");
        assert_eq!(shown(b"\0\0\0"), "a part of a prefix: 000000");
        assert_eq!(shown(b"\0\0\0\0\x04abc"), "3 of 4 bytes");
        let long = [&[0, 0, 0, 0, 65][..], &[0; 65]].concat();
        assert!(shown(&long).starts_with("65 bytes, checksum "));
    }
}
