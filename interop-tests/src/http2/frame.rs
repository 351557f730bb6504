//! HTTP/2 frames: encoding, decoding and names.
//!
//! No library is used, because HTTP/2 libraries refuse to send most of the frames in probes and behaviours.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use bytes::BufMut;
use grpc_interop_protocol::hex;

/// The connection preface of a client (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types (RFC 9113, section 6).
pub mod kind {
    /// A part of a body.
    pub const DATA: u8 = 0;
    /// Header fields; begins a stream.
    pub const HEADERS: u8 = 1;
    /// The obsolete priority of a stream.
    pub(crate) const PRIORITY: u8 = 2;
    /// Terminates a stream immediately.
    pub const RST_STREAM: u8 = 3;
    /// Parameters of the connection.
    pub const SETTINGS: u8 = 4;
    /// Announces a stream that the server opens.
    pub(crate) const PUSH_PROMISE: u8 = 5;
    /// Requests an acknowledgement.
    pub const PING: u8 = 6;
    /// Announces the end of the connection.
    pub const GOAWAY: u8 = 7;
    /// Enlarges a flow-control window.
    pub const WINDOW_UPDATE: u8 = 8;
    /// A part of a header block.
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub mod flag {
    /// On DATA and HEADERS: the sender ends its direction of the stream.
    pub const END_STREAM: u8 = 0x1;
    /// On SETTINGS and PING: an acknowledgement.
    pub const ACK: u8 = 0x1;
    /// On HEADERS and CONTINUATION: the header block is complete.
    pub const END_HEADERS: u8 = 0x4;
    /// On DATA and HEADERS: the payload contains padding.
    pub(crate) const PADDED: u8 = 0x8;
    /// On HEADERS: the payload contains a priority.
    pub(crate) const PRIORITY: u8 = 0x20;
}

/// Identifiers in SETTINGS frames (RFC 9113, section 6.5.2).
pub mod setting {
    /// The maximum number of streams that the peer may open.
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    /// The flow-control window of a new stream, in bytes.
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    /// The largest payload of a frame, in bytes.
    pub const MAX_FRAME_SIZE: u16 = 5;
}

/// The header of a frame: the nine bytes before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// The length of the payload in bytes.
    pub length: usize,
    /// The type: a constant in [`kind`].
    pub kind: u8,
    /// The flags: constants in [`flag`].
    pub flags: u8,
    /// The stream; 0 is the connection.
    pub stream: u32,
}

impl FrameHeader {
    /// The length of a frame header in bytes.
    pub const SIZE: usize = 9;

    /// Decodes a frame header; the reserved bit before the stream is ignored.
    pub(crate) fn decode(bytes: [u8; Self::SIZE]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = bytes;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        Self { length, kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff }
    }

    /// Encodes the header, with the lower 24 bits of `length`.
    pub fn encode(self) -> [u8; Self::SIZE] {
        let [_, a, b, c] = u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes();
        let [s0, s1, s2, s3] = self.stream.to_be_bytes();
        [a, b, c, self.kind, self.flags, s0, s1, s2, s3]
    }

    /// Whether the flag is set.
    pub fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the frame carries a header block or a part of one.
    pub(crate) fn carries_block(self) -> bool {
        matches!(self.kind, kind::HEADERS | kind::CONTINUATION)
    }

    pub(crate) fn ends_stream(self) -> bool {
        matches!(self.kind, kind::DATA | kind::HEADERS) && self.has(flag::END_STREAM)
    }

    pub(crate) fn is_padded(self) -> bool {
        matches!(self.kind, kind::DATA | kind::HEADERS | kind::PUSH_PROMISE)
            && self.has(flag::PADDED)
    }

    /// The range of the payload without padding and its length; `first` is the first byte of the payload. `None` if
    /// the padding is longer than the frame or its length is unknown.
    pub(crate) fn content(self, first: Option<u8>) -> Option<Range<usize>> {
        if !self.is_padded() {
            return Some(0..self.length);
        }
        let end = self.length.checked_sub(usize::from(first?)).filter(|end| *end > 0)?;
        Some(1..end)
    }
}

/// Splits the first frame off `bytes`: its header, its payload, and the bytes after it. `None` while
/// the frame is incomplete.
pub fn split_frame(bytes: &[u8]) -> Option<(FrameHeader, &[u8], &[u8])> {
    let (header, rest) = bytes.split_first_chunk()?;
    let header = FrameHeader::decode(*header);
    let (payload, rest) = rest.split_at_checked(header.length)?;
    Some((header, payload, rest))
}

/// The identifiers and values in the payload of a SETTINGS frame.
pub fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    let (settings, _) = payload.as_chunks::<6>();
    settings
        .iter()
        .map(|&[a, b, value @ ..]| (u16::from_be_bytes([a, b]), u32::from_be_bytes(value)))
}

/// One frame; the payload includes its padding, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The type: a constant in [`kind`].
    pub kind: u8,
    /// The flags: constants in [`flag`].
    pub flags: u8,
    /// The stream; 0 is the connection.
    pub stream: u32,
    /// The bytes after the frame header.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A frame with this header and payload.
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// SETTINGS with these identifiers and values.
    pub(crate) fn settings(settings: &[(u16, u32)]) -> Self {
        let mut payload = Vec::new();
        for (id, value) in settings {
            payload.extend(id.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        Self::new(kind::SETTINGS, 0, 0, payload)
    }

    /// RST_STREAM with this error code.
    pub(crate) fn rst_stream(stream: u32, code: u32) -> Self {
        Self::new(kind::RST_STREAM, 0, stream, code.to_be_bytes())
    }

    /// GOAWAY with this last stream, error code and debug data.
    pub(crate) fn goaway(last_stream: u32, code: u32, debug: &[u8]) -> Self {
        let payload = [&last_stream.to_be_bytes()[..], &code.to_be_bytes(), debug].concat();
        Self::new(kind::GOAWAY, 0, 0, payload)
    }

    /// WINDOW_UPDATE of a stream, or of the connection, which is stream 0.
    pub(crate) fn window_update(stream: u32, increment: u32) -> Self {
        Self::new(kind::WINDOW_UPDATE, 0, stream, increment.to_be_bytes())
    }

    /// The same frame with `padding` bytes of padding, for DATA and HEADERS.
    #[must_use]
    pub(crate) fn padded(mut self, padding: u8) -> Self {
        self.flags |= flag::PADDED;
        self.payload.insert(0, padding);
        self.payload.resize(self.payload.len() + usize::from(padding), 0);
        self
    }

    fn header(&self) -> FrameHeader {
        let Self { kind, flags, stream, ref payload } = *self;
        FrameHeader { length: payload.len(), kind, flags, stream }
    }

    /// Whether the flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload of DATA or HEADERS without padding and priority; `None` if the lengths contradict each other.
    pub(crate) fn content(&self) -> Option<&[u8]> {
        let mut range = self.header().content(self.payload.first().copied())?;
        if self.kind == kind::HEADERS && self.has(flag::PRIORITY) {
            range.start += 5;
        }
        self.payload.get(range)
    }

    /// The four bytes of the payload at `offset` as a number.
    pub(crate) fn number(&self, offset: usize) -> Option<u32> {
        let bytes = self.payload.get(offset..offset + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    /// Appends the encoded frame to `out`.
    pub fn write_to(&self, out: &mut impl BufMut) {
        out.put_slice(&self.header().encode());
        out.put_slice(&self.payload);
    }

    /// Reads the next frame; `None` if the input ends, even within a frame.
    pub fn read_from(reader: &mut impl Read) -> io::Result<Option<Self>> {
        let mut read = || -> io::Result<Self> {
            let mut header = [0; FrameHeader::SIZE];
            reader.read_exact(&mut header)?;
            let FrameHeader { length, kind, flags, stream } = FrameHeader::decode(header);
            let mut payload = vec![0; length];
            reader.read_exact(&mut payload)?;
            Ok(Self { kind, flags, stream, payload })
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            frame => frame.map(Some),
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 24;
        let name = kind_name(self.kind);
        write!(f, "{name} on stream {}, flags {:#04x}", self.stream, self.flags)?;
        match self.payload.len() {
            0 => Ok(()),
            length if length > SHOWN => write!(f, ", {length} bytes"),
            _ => write!(f, ", {}", hex::encode(&self.payload)),
        }
    }
}

/// The names of the frame types, starting with type 0.
const KINDS: &str = "DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY \
                     WINDOW_UPDATE CONTINUATION";

/// The names of the error codes, starting with code 0 (RFC 9113, section 7).
const ERRORS: &str = "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT \
                      STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR \
                      CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED";

/// The name of a frame type.
pub fn kind_name(kind: u8) -> String {
    let name = KINDS.split(' ').nth(kind.into());
    name.map_or_else(|| format!("frame of type {kind}"), str::to_owned)
}

/// An error code of RST_STREAM or GOAWAY with its name.
pub fn error_name(code: u32) -> String {
    let name = usize::try_from(code).ok().and_then(|code| ERRORS.split(' ').nth(code));
    format!("{code} {}", name.unwrap_or("(unknown)"))
}

#[cfg(test)]
mod tests {
    use super::{Frame, FrameHeader, error_name, flag, kind, kind_name, settings, split_frame};

    #[test]
    fn a_header_is_encoded_and_decoded() {
        let header = FrameHeader { length: 0x01_0203, kind: 1, flags: 0x2d, stream: 0x105 };
        assert_eq!(header.encode(), [1, 2, 3, 1, 0x2d, 0, 0, 1, 5]);
        assert_eq!(FrameHeader::decode(header.encode()), header);
        assert!(header.has(flag::PADDED) && !header.has(0x2));
    }

    #[test]
    fn the_reserved_bit_is_ignored() {
        let bytes = FrameHeader { length: 0, kind: 0, flags: 0, stream: 0x8000_0003 }.encode();
        assert_eq!(bytes[5], 0x80);
        assert_eq!(FrameHeader::decode(bytes).stream, 3);
    }

    #[test]
    fn a_frame_is_split_off_once_it_is_complete() {
        let mut bytes = Vec::new();
        let frame = Frame::new(kind::DATA, 0, 1, *b"abc");
        frame.write_to(&mut bytes);
        for end in 0..bytes.len() {
            assert_eq!(split_frame(&bytes[..end]), None, "{end} bytes");
            assert_eq!(Frame::read_from(&mut &bytes[..end]).expect("no I/O error"), None);
        }
        assert_eq!(Frame::read_from(&mut &bytes[..]).expect("no I/O error"), Some(frame));
        bytes.push(7);
        let (header, payload, rest) = split_frame(&bytes).expect("the frame is incomplete");
        assert_eq!((header.length, payload, rest), (3, &b"abc"[..], &[7][..]));
    }

    #[test]
    fn content_is_without_padding_and_priority() {
        let padded = Frame::new(kind::DATA, 0, 1, *b"abc").padded(2);
        assert_eq!(padded.payload, [2, b'a', b'b', b'c', 0, 0]);
        assert_eq!(padded.content(), Some(&b"abc"[..]));
        let all_padding = Frame::new(kind::DATA, flag::PADDED, 1, [4, 1, 2, 3]);
        assert_eq!(all_padding.content(), None);
        let priority = Frame::new(kind::HEADERS, flag::PRIORITY, 1, *b"12345abc");
        assert_eq!(priority.content(), Some(&b"abc"[..]));
    }

    #[test]
    fn types_and_errors_have_names() {
        assert_eq!([0, 9, 10].map(kind_name), ["DATA", "CONTINUATION", "frame of type 10"]);
        assert_eq!([0, 13].map(error_name), ["0 NO_ERROR", "13 HTTP_1_1_REQUIRED"]);
        assert_eq!([14, u32::MAX].map(error_name), ["14 (unknown)", "4294967295 (unknown)"]);
    }

    #[test]
    fn settings_are_pairs_and_a_rest_is_ignored() {
        let payload = [0, 4, 0, 1, 0, 2, 0, 3, 0xff, 0, 0, 0, 9];
        assert_eq!(settings(&payload).collect::<Vec<_>>(), [(4, 0x1_0002), (3, 0xff00_0000)]);
    }
}
