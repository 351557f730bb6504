//! Accepts the authorities of grpcio's clients that are invalid in HTTP: the path of a Unix socket with
//! `%2F` for a slash, and a list of addresses such as `10.0.0.1:50051,10.0.0.2:50051`.
//!
//! h2 rejects such an authority and resets the stream, while a grpcio server accepts it. Therefore
//! what is invalid is replaced before HPACK is decoded: percent signs, and after a comma everything
//! else that separates. Each byte is replaced by one byte, so all lengths and the dynamic table of the
//! decoder stay valid.

use crate::grpcio::wire::filtered_io::{FilteredIo, IoFilter};
use crate::grpcio::wire::http2::{
    CONTINUATION, FrameHeader, HEADER_LENGTH, HEADERS, PREFACE, PartialHeader,
};

/// Rewrites such authorities on their way in: paths if `transport` `is_unix`, and lists otherwise.
pub fn rewrite_authority<T>(transport: T, is_unix: bool) -> FilteredIo<T, AuthorityRewrite> {
    FilteredIo::new(transport, AuthorityRewrite { blocks: HeaderBlocks::new(is_unix) })
}

/// Replaces what is invalid in the authority of each request.
#[derive(Debug)]
pub struct AuthorityRewrite {
    blocks: HeaderBlocks,
}

impl IoFilter for AuthorityRewrite {
    #[inline]
    fn received(&mut self, bytes: &mut [u8]) {
        self.blocks.rewrite(bytes);
    }
}

/// Finds the header blocks among the frames that a client sends, and rewrites the authority in
/// them.
///
/// Only header blocks are inspected: the same bytes may have any meaning in a message.
#[derive(Debug)]
struct HeaderBlocks {
    /// Remaining bytes outside of header blocks before the next frame header.
    skip: usize,
    /// Remaining bytes of a header block after the skipped ones.
    block: usize,
    /// Whether the header block ends with these bytes.
    ends_headers: bool,
    header: PartialHeader,
    field: Field,
    syntax: Syntax,
}

/// What is replaced in an authority.
#[derive(Clone, Copy, Debug)]
enum Syntax {
    /// Percent signs.
    Path,
    /// Commas, and after the first of them colons and brackets.
    List { is_after_comma: bool },
}

impl Syntax {
    /// The byte without which nothing is replaced.
    fn first_replaced(self) -> u8 {
        match self {
            Self::Path => b'%',
            Self::List { .. } => b',',
        }
    }

    fn rewrite(&mut self, byte: &mut u8) {
        match (self, *byte) {
            (Self::Path, b'%') => *byte = b'_',
            (Self::List { is_after_comma }, b',') => {
                *is_after_comma = true;
                *byte = b'.';
            }
            (Self::List { is_after_comma: true }, b':' | b'[' | b']') => *byte = b'.',
            _ => {}
        }
    }
}

impl HeaderBlocks {
    fn new(is_unix: bool) -> Self {
        let syntax = if is_unix { Syntax::Path } else { Syntax::List { is_after_comma: false } };
        let header = PartialHeader::default();
        let (skip, field) = (PREFACE.len(), Field::Start);
        Self { skip, block: 0, ends_headers: false, header, field, syntax }
    }

    /// Inspects the next bytes and rewrites them in place.
    fn rewrite(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(rest.len());
                self.skip -= skipped;
                rest = &mut rest[skipped..];
            } else if self.block > 0 {
                let block = self.block.min(rest.len());
                self.block -= block;
                let (fields, after) = rest.split_at_mut(block);
                for byte in fields {
                    self.field = self.field.next(byte, &mut self.syntax);
                }
                if self.block == 0 && self.ends_headers {
                    self.field = Field::Start;
                }
                rest = after;
            } else if let Some(length) = self.unchanged_frame(rest) {
                rest = &mut rest[length..];
            } else {
                let (consumed, frame) = self.header.take(rest);
                rest = &mut rest[consumed..];
                if let Some(frame) = frame {
                    self.start_frame(frame);
                }
            }
        }
    }

    /// The length of the frame at the start of `bytes`, if it is whole and has nothing to replace, as
    /// nearly all frames.
    #[inline]
    fn unchanged_frame(&self, bytes: &[u8]) -> Option<usize> {
        if self.header.has_begun() {
            return None;
        }
        let frame = FrameHeader::read(bytes)?;
        let length = HEADER_LENGTH + frame.length;
        let payload = bytes.get(HEADER_LENGTH..length)?;
        let is_unchanged = !frame.is_header_block()
            || (frame.ends_headers()
                && matches!(self.field, Field::Start)
                && !payload.contains(&self.syntax.first_replaced()));
        is_unchanged.then_some(length)
    }

    fn start_frame(&mut self, frame: FrameHeader) {
        self.skip = match frame.kind {
            HEADERS => {
                self.field = Field::Start;
                let padding = usize::from(frame.is_padded());
                let priority = 5 * usize::from(frame.has_priority());
                frame.length.min(padding + priority)
            }
            CONTINUATION => 0,
            _ => frame.length,
        };
        // Padding at the end is read like fields; the next HEADERS frame starts over.
        self.block = frame.length - self.skip;
        self.ends_headers = frame.ends_headers();
    }
}

const AUTHORITY: &[u8] = b":authority";

/// The index of [`AUTHORITY`] in the static table of HPACK (RFC 7541, appendix A).
const AUTHORITY_INDEX: u8 = 1;

/// The position within a field of a header block (RFC 7541, section 6).
///
/// The dynamic table is not tracked: grpcio sends an authority either with its name as a literal or
/// index, or as a whole by its index. Huffman-coded strings are not changed; grpcio does not use
/// them here.
#[derive(Clone, Copy, Debug)]
enum Field {
    Start,
    /// In a multi-byte index, which is followed by a value or by the next field.
    Index {
        then_value: bool,
    },
    NameLength(Length),
    /// In a name, which is [`AUTHORITY`] as far as it has been read if `is_authority`.
    Name {
        read: usize,
        length: usize,
        is_authority: bool,
    },
    ValueLength {
        length: Length,
        is_authority: bool,
    },
    Value {
        left: usize,
        is_authority: bool,
    },
}

/// The length of a string as far as it has been read (section 5.1).
#[derive(Clone, Copy, Debug, Default)]
struct Length {
    value: usize,
    shift: Option<u32>,
    is_huffman: bool,
}

impl Length {
    /// Reads the next byte and returns whether it was the last one.
    fn read(&mut self, byte: u8) -> bool {
        let Some(shift) = self.shift else {
            self.is_huffman = byte & 0x80 != 0;
            self.value = usize::from(byte & 0x7f);
            self.shift = Some(0);
            return self.value < 0x7f;
        };
        let more = usize::from(byte & 0x7f).checked_shl(shift).unwrap_or(usize::MAX);
        self.value = self.value.saturating_add(more);
        self.shift = Some(shift.saturating_add(7));
        byte & 0x80 == 0
    }
}

impl Field {
    /// Reads the next byte of a header block, and rewrites it if necessary.
    #[inline]
    fn next(self, byte: &mut u8, syntax: &mut Syntax) -> Self {
        match self {
            Self::Start => Self::start(*byte),
            Self::Index { .. } if *byte & 0x80 != 0 => self,
            Self::Index { then_value: false } => Self::Start,
            Self::Index { then_value: true } => {
                Self::ValueLength { length: Length::default(), is_authority: false }
            }
            Self::NameLength(mut length) => {
                if !length.read(*byte) {
                    return Self::NameLength(length);
                }
                let is_authority = !length.is_huffman && length.value == AUTHORITY.len();
                Self::name(0, length.value, is_authority)
            }
            Self::Name { read, length, is_authority } => {
                let is_authority = is_authority && AUTHORITY.get(read) == Some(byte);
                Self::name(read + 1, length, is_authority)
            }
            Self::ValueLength { mut length, is_authority } => {
                if !length.read(*byte) {
                    return Self::ValueLength { length, is_authority };
                }
                if let Syntax::List { is_after_comma } = syntax {
                    *is_after_comma = false;
                }
                Self::value(length.value, is_authority && !length.is_huffman)
            }
            Self::Value { left, is_authority } => {
                if is_authority {
                    syntax.rewrite(byte);
                }
                Self::value(left - 1, is_authority)
            }
        }
    }

    fn start(byte: u8) -> Self {
        let (index, mask, then_value) = match byte {
            0x80.. => (byte & 0x7f, 0x7f, false),
            0x40.. => (byte & 0x3f, 0x3f, true),
            0x20.. => (byte & 0x1f, 0x1f, false),
            _ => (byte & 0x0f, 0x0f, true),
        };
        if index == mask {
            return Self::Index { then_value };
        }
        match (then_value, index) {
            (false, _) => Self::Start,
            (true, 0) => Self::NameLength(Length::default()),
            (true, _) => {
                let is_authority = index == AUTHORITY_INDEX;
                Self::ValueLength { length: Length::default(), is_authority }
            }
        }
    }

    fn name(read: usize, length: usize, is_authority: bool) -> Self {
        if read < length {
            return Self::Name { read, length, is_authority };
        }
        Self::ValueLength { length: Length::default(), is_authority }
    }

    fn value(left: usize, is_authority: bool) -> Self {
        if left > 0 { Self::Value { left, is_authority } } else { Self::Start }
    }
}

#[cfg(test)]
mod tests {
    use super::HeaderBlocks;
    use crate::grpcio::wire::http2::PREFACE;
    use http::uri::Authority;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    /// Header blocks with this authority, among fields in all representations of HPACK.
    fn sent(authority: &[u8]) -> Vec<u8> {
        let long = [&b"\x40\x03a-b\x7f\x49"[..], &b"A%".repeat(100)].concat();
        let block = [
            &b"\x3f\xe1\x1f\x40\x05:path\x04/a%b"[..], // a table size update, and another name
            &long,
            b"\x40\x0a:authority\x07",
            authority,
            b"\x83\xff\x00\x41\x07", // fields by index, and the name by index
            authority,
            b"\x7f\x01\x04d%ef\x00\x01x\x02%%", // names by index and as text
        ]
        .concat();
        let (first, rest) = block.split_at(230);
        let padded = [b"\x02\0\0\0\0\x10".as_slice(), b"\x01\x07", authority, b"%%"].concat();
        [
            vec![b'%'; PREFACE.len()],
            frame(4, 0, b"%%%%%%"),
            frame(1, 0, first),
            frame(9, 4, rest),
            frame(0, 1, b"\x40\x0a:authority\x02%%"),
            frame(1, 0x2c, &padded),
        ]
        .concat()
    }

    #[test]
    fn only_percent_signs_of_an_authority_are_replaced_in_pieces_of_any_size() {
        let (sent, expected) = (sent(b"tmp%2Fs"), sent(b"tmp_2Fs"));
        for size in 1..=sent.len() {
            let (mut bytes, mut blocks) = (sent.clone(), HeaderBlocks::new(true));
            bytes.chunks_mut(size).for_each(|chunk| blocks.rewrite(chunk));
            assert!(bytes == expected, "in chunks of {size}");
        }
    }

    #[test]
    fn a_list_becomes_an_authority_that_http_accepts() {
        for (list, expected) in [
            ("10.0.0.1:50051,10.0.0.2:50051", "10.0.0.1:50051.10.0.0.2.50051"),
            ("[::1]:1,[::2]:2", "[::1]:1....2..2"),
            ("localhost:50051", "localhost:50051"),
            ("[::1]:50051", "[::1]:50051"),
        ] {
            let field = |value: &str| {
                let length = u8::try_from(value.len()).expect("short");
                [&[0x41, length], value.as_bytes(), b"\x00\x01x\x03a,:"].concat()
            };
            let sent = |value: &str| {
                let twice = [field(value), field(value)].concat();
                [PREFACE.to_vec(), frame(1, 4, &twice)].concat()
            };
            let mut bytes = sent(list);
            HeaderBlocks::new(false).rewrite(&mut bytes);
            assert_eq!(bytes, sent(expected), "{list}");
            expected.parse::<Authority>().expect("valid in HTTP");
        }
    }
}
