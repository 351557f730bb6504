//! The authority that grpcio's clients send to a Unix socket: its path, with `%2F` for a slash.
//!
//! h2 takes that for no authority at all and resets the stream; a server of grpcio does not mind. So
//! the percent signs are replaced on their way in, before HPACK is decoded: a byte for a byte, which
//! leaves all lengths and the decoder's table as they were. Huffman's code is left alone; grpcio does
//! not use it here.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a client sends before its first frame (RFC 9113, section 3.4).
const PREFACE: usize = 24;

/// A frame begins with three bytes of length, its type, its flags and its stream (section 4.1).
const FRAME_HEADER: usize = 9;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

const AUTHORITY: &[u8] = b":authority";

/// Where [`AUTHORITY`] stands in HPACK's static table (RFC 7541, appendix A).
const AUTHORITY_INDEX: u8 = 1;

/// A transport of a server through which such an authority arrives as a legal one.
#[derive(Debug)]
pub struct LegalAuthority<T> {
    transport: T,
    /// `None` leaves everything as it is.
    repair: Option<Repair>,
}

impl<T> LegalAuthority<T> {
    /// Watches for such authorities if the transport `is_unix`.
    pub fn new(transport: T, is_unix: bool) -> Self {
        Self { transport, repair: is_unix.then(Repair::default) }
    }
}

/// How far the frames have been read.
#[derive(Debug)]
struct Repair {
    /// Bytes that are no part of a header block, until the next frame's header.
    skip: usize,
    /// Bytes of a header block behind those that are skipped.
    block: usize,
    header: [u8; FRAME_HEADER],
    filled: usize,
    field: Field,
}

impl Default for Repair {
    fn default() -> Self {
        let (block, header, filled) = (0, [0; FRAME_HEADER], 0);
        Self { skip: PREFACE, block, header, filled, field: Field::Begin }
    }
}

/// How far a field of a header block has been read (RFC 7541, section 6).
#[derive(Clone, Copy, Debug)]
enum Field {
    Begin,
    /// The rest of a number behind which the next field or a value begins.
    Index {
        then_value: bool,
    },
    NameLength(Length),
    /// How many bytes have been read of how many, and whether they are [`AUTHORITY`]'s so far.
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

/// The length of a string, as far as it has been read (section 5.1).
#[derive(Clone, Copy, Debug, Default)]
struct Length {
    value: usize,
    shift: Option<u32>,
    is_huffman: bool,
}

impl Length {
    /// Takes the next byte; whether it was the last one.
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

impl Repair {
    fn look_at(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(rest.len());
                self.skip -= skipped;
                rest = &mut rest[skipped..];
            } else if self.block > 0 {
                let block = self.block.min(rest.len());
                self.block -= block;
                let (fields, behind) = rest.split_at_mut(block);
                for byte in fields {
                    self.field = self.field.next(byte);
                }
                rest = behind;
            } else {
                self.header[self.filled] = rest[0];
                self.filled += 1;
                rest = &mut rest[1..];
                if self.filled == FRAME_HEADER {
                    self.filled = 0;
                    self.begin_frame();
                }
            }
        }
    }

    fn begin_frame(&mut self) {
        let [high, middle, low, kind, flags, ..] = self.header;
        let length = usize::try_from(u32::from_be_bytes([0, high, middle, low])).unwrap_or(0);
        self.skip = match kind {
            HEADERS => {
                self.field = Field::Begin;
                let padding = usize::from(flags & PADDED != 0);
                let priority = 5 * usize::from(flags & PRIORITY != 0);
                length.min(padding + priority)
            }
            CONTINUATION => 0,
            _ => length,
        };
        // Padding at the end is read like fields, which begin anew with the next frame.
        self.block = length - self.skip;
    }
}

impl Field {
    /// Takes the next byte of a header block, and replaces it where it has to be.
    fn next(self, byte: &mut u8) -> Self {
        match self {
            Self::Begin => Self::begin(*byte),
            Self::Index { .. } if *byte & 0x80 != 0 => self,
            Self::Index { then_value: false } => Self::Begin,
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
                Self::value(length.value, is_authority && !length.is_huffman)
            }
            Self::Value { left, is_authority } => {
                if is_authority && *byte == b'%' {
                    *byte = b'_';
                }
                Self::value(left - 1, is_authority)
            }
        }
    }

    fn begin(byte: u8) -> Self {
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
            (false, _) => Self::Begin,
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
        if left > 0 { Self::Value { left, is_authority } } else { Self::Begin }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for LegalAuthority<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.transport).poll_read(cx, buffer);
        if let Some(repair) = &mut this.repair {
            repair.look_at(&mut buffer.filled_mut()[before..]);
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for LegalAuthority<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{PREFACE, Repair};

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    /// As grpcio sends it, among fields in all of HPACK's forms.
    fn sent(authority: &[u8]) -> Vec<u8> {
        let long = [&b"\x40\x03a-b\x7f\x49"[..], &[b'%'; 200]].concat();
        let block = [
            &b"\x3f\xe1\x1f\x40\x05:path\x04/a%b"[..], // a size of the table, and another name
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
            vec![b'%'; PREFACE],
            frame(4, 0, b"%%%%%%"),
            frame(1, 0, first),
            frame(9, 4, rest),
            frame(0, 1, b"\x40\x0a:authority\x02%%"),
            frame(1, 0x2c, &padded),
        ]
        .concat()
    }

    #[test]
    fn only_the_percent_signs_of_an_authority_are_replaced_however_the_bytes_are_cut() {
        let (sent, expected) = (sent(b"tmp%2Fs"), sent(b"tmp_2Fs"));
        for size in 1..=sent.len() {
            let (mut bytes, mut repair) = (sent.clone(), Repair::default());
            bytes.chunks_mut(size).for_each(|chunk| repair.look_at(chunk));
            assert!(bytes == expected, "in chunks of {size}");
        }
    }
}
