//! The parts of HTTP/2 that are read before h2 reads them: the preface and frame headers.
//!
//! Bytes arrive in arbitrary pieces, so a frame header is either read from a buffer or assembled
//! from pieces. Payloads are left to the caller.

/// The name of HTTP/2 in ALPN (RFC 9113, section 3.2).
pub(crate) const ALPN: &[u8] = b"h2";

/// What a client sends before its first frame (RFC 9113, section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of a frame header: length, type, flags and stream identifier (section 4.1).
pub(crate) const HEADER_LENGTH: usize = 9;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

/// The length of the payload of PING (section 6.7).
pub(crate) const PING_LENGTH: usize = 8;

/// The reason and the text of the GOAWAY with which a server ends the connection of a client that
/// sends PING too often (gRPC proposal A8).
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;
pub(crate) const TOO_MANY_PINGS: &[u8] = b"too_many_pings";

const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// The length of the payload in bytes.
    pub(crate) length: usize,
    /// The type of the frame.
    pub(crate) kind: u8,
    flags: u8,
    /// The stream identifier, with the reserved bit.
    pub(crate) stream: u32,
}

impl FrameHeader {
    /// The header at the start of `bytes`, or `None` if they are too few.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().map(Self::parse)
    }

    fn parse(bytes: &[u8; HEADER_LENGTH]) -> Self {
        let [high, middle, low, kind, flags, stream @ ..] = *bytes;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Self { length, kind, flags, stream: u32::from_be_bytes(stream) }
    }

    /// Whether the frame acknowledges SETTINGS, whatever its length.
    pub(crate) fn is_settings_ack(self) -> bool {
        self.kind == SETTINGS && self.flags & ACK != 0
    }

    /// Whether the frame is SETTINGS with a payload of valid length.
    pub(crate) fn is_settings(self) -> bool {
        self.kind == SETTINGS && self.flags & ACK == 0 && self.length.is_multiple_of(6)
    }

    /// Whether the frame is HEADERS or CONTINUATION, whose payload is a part of a header block.
    pub(crate) fn is_header_block(self) -> bool {
        matches!(self.kind, HEADERS | CONTINUATION)
    }

    /// Whether the frame is PING that has to be acknowledged.
    pub(crate) fn is_ping(self) -> bool {
        self.kind == PING && self.flags & ACK == 0
    }

    /// Whether the frame acknowledges PING.
    pub(crate) fn is_ping_ack(self) -> bool {
        self.kind == PING && self.flags & ACK != 0
    }

    /// Whether the frame is DATA.
    pub(crate) fn is_data(self) -> bool {
        self.kind == DATA
    }

    /// Whether the frame is RST_STREAM.
    pub(crate) fn is_reset(self) -> bool {
        self.kind == RST_STREAM
    }

    /// Whether the sender of the frame sends nothing else on its stream.
    pub(crate) fn ends_stream(self) -> bool {
        self.is_reset() || (matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0)
    }

    /// Whether gRPC sends the frame for calls, and not to maintain the connection: HEADERS, DATA or
    /// WINDOW_UPDATE. Then PING does not count as a ping without data.
    pub(crate) fn is_for_calls(self) -> bool {
        matches!(self.kind, DATA | HEADERS | WINDOW_UPDATE)
    }

    /// Whether a header block ends with the frame.
    pub(crate) fn ends_headers(self) -> bool {
        self.flags & END_HEADERS != 0
    }

    /// Whether the payload of a HEADERS frame starts with the length of its padding.
    pub(crate) fn is_padded(self) -> bool {
        self.flags & PADDED != 0
    }

    /// Whether a priority precedes the fields of a HEADERS frame.
    pub(crate) fn has_priority(self) -> bool {
        self.flags & PRIORITY != 0
    }
}

/// A frame with this payload.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A piece of the bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A frame whose header is complete.
    Frame(FrameHeader),
    /// A part of the payload of the last frame.
    Payload(&'a [u8]),
}

/// The position in the frames of one direction of a connection.
#[derive(Debug)]
pub(crate) struct FramePosition {
    /// Remaining bytes of the preface or a payload before the next frame header.
    skip: usize,
    header: PartialHeader,
    is_block_open: bool,
}

impl FramePosition {
    /// The position of a client that has sent nothing.
    pub(crate) fn of_client() -> Self {
        Self { skip: PREFACE.len(), ..Self::of_server() }
    }

    /// The position of a server that has sent nothing.
    pub(crate) fn of_server() -> Self {
        Self { skip: 0, header: PartialHeader::default(), is_block_open: false }
    }

    /// Whether another frame may be inserted here: neither within a frame nor a header block.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.skip == 0 && !self.is_block_open && !self.header.has_begun()
    }

    /// Whether a header block has begun, and another frame is needed to complete it.
    #[inline]
    pub(crate) fn is_block_open(&self) -> bool {
        self.is_block_open
    }

    /// Whether a frame header has begun and is not complete.
    #[inline]
    pub(crate) fn is_in_header(&self) -> bool {
        self.header.has_begun()
    }

    /// Whether the last frame is complete.
    pub(crate) fn is_frame_complete(&self) -> bool {
        self.skip == 0
    }

    /// Skips the rest of the last frame, or of the preface, at the start of `bytes`. Returns whether it
    /// is complete.
    #[inline]
    pub(crate) fn skip_rest(&mut self, bytes: &mut &[u8]) -> bool {
        let length = self.skip.min(bytes.len());
        *bytes = &bytes[length..];
        self.skip -= length;
        self.skip == 0
    }

    /// Takes a frame header from the start of `bytes`, which have to follow a complete frame. `None`
    /// if they do not contain its end.
    #[inline]
    pub(crate) fn take_header(&mut self, bytes: &mut &[u8]) -> Option<FrameHeader> {
        let (consumed, frame) = self.header.take(bytes);
        *bytes = &bytes[consumed..];
        let frame = frame?;
        self.skip = frame.length;
        self.note_block(frame);
        Some(frame)
    }

    /// Takes everything up to the end of the next frame header from the start of `bytes`. `None` if
    /// they do not contain it.
    #[inline]
    pub(crate) fn next_frame(&mut self, bytes: &mut &[u8]) -> Option<FrameHeader> {
        // Most frames are whole and follow a whole one.
        if self.skip == 0
            && !self.header.has_begun()
            && let Some(frame) = FrameHeader::read(bytes)
            && let Some(rest) = bytes.get(HEADER_LENGTH + frame.length..)
        {
            *bytes = rest;
            self.note_block(frame);
            return Some(frame);
        }
        if self.skip_rest(bytes) { self.take_header(bytes) } else { None }
    }

    #[inline]
    fn note_block(&mut self, frame: FrameHeader) {
        if frame.is_header_block() {
            self.is_block_open = !frame.ends_headers();
        }
    }

    /// Takes the next piece from the start of `bytes`; `None` if they contain no more. The preface is
    /// a payload.
    pub(crate) fn next_piece<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        let before = *bytes;
        if self.skip == 0 {
            return self.take_header(bytes).map(Piece::Frame);
        }
        self.skip_rest(bytes);
        let payload = &before[..before.len() - bytes.len()];
        (!payload.is_empty()).then_some(Piece::Payload(payload))
    }
}

/// Assembles frame headers from pieces.
#[derive(Debug, Default)]
pub(crate) struct PartialHeader {
    bytes: [u8; HEADER_LENGTH],
    filled: usize,
}

impl PartialHeader {
    /// Whether a header has begun and is not complete.
    pub(crate) fn has_begun(&self) -> bool {
        self.filled > 0
    }

    /// Consumes the missing bytes from the start of `bytes`. Returns how many were consumed, and
    /// the header once it is complete; the next call starts the next header.
    #[inline]
    pub(crate) fn take(&mut self, bytes: &[u8]) -> (usize, Option<FrameHeader>) {
        // Most headers arrive as a whole and are not copied.
        match FrameHeader::read(bytes) {
            Some(header) if !self.has_begun() => (HEADER_LENGTH, Some(header)),
            _ => self.take_piece(bytes),
        }
    }

    fn take_piece(&mut self, bytes: &[u8]) -> (usize, Option<FrameHeader>) {
        let consumed = bytes.len().min(HEADER_LENGTH - self.filled);
        self.bytes[self.filled..self.filled + consumed].copy_from_slice(&bytes[..consumed]);
        self.filled += consumed;
        if self.filled < HEADER_LENGTH {
            return (consumed, None);
        }
        self.filled = 0;
        (consumed, Some(FrameHeader::parse(&self.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        CONTINUATION, DATA, END_HEADERS, FrameHeader, FramePosition, HEADER_LENGTH, HEADERS,
        PREFACE, PartialHeader, Piece, frame,
    };

    const PADDED_HEADERS: [u8; HEADER_LENGTH] = [1, 2, 3, 1, 0x2d, 0, 0, 1, 5];

    #[test]
    fn a_header_is_read_whole_or_assembled_from_pieces() {
        let header = FrameHeader::read(&PADDED_HEADERS).expect("a whole header");
        assert_eq!((header.length, header.kind, header.stream), (0x01_0203, 1, 0x105));
        assert!(header.is_padded() && header.has_priority() && !header.is_settings_ack());
        assert!(header.is_header_block() && header.ends_headers());
        assert_eq!(FrameHeader::read(&PADDED_HEADERS[1..]), None);
        let twice = [PADDED_HEADERS, PADDED_HEADERS].concat();
        for size in 1..=HEADER_LENGTH {
            let (mut partial, mut found) = (PartialHeader::default(), Vec::new());
            for mut chunk in twice.chunks(size) {
                while !chunk.is_empty() {
                    let (consumed, header) = partial.take(chunk);
                    chunk = &chunk[consumed..];
                    found.extend(header);
                }
            }
            assert_eq!(found, [header; 2], "in chunks of {size}");
            assert!(!partial.has_begun());
        }
    }

    #[test]
    fn settings_and_acknowledgements_are_told_apart() {
        let settings = |length, flags| {
            FrameHeader::read(&[0, 0, length, 4, flags, 0, 0, 0, 0]).expect("a whole header")
        };
        assert!(settings(0, 0).is_settings() && settings(12, 0).is_settings());
        assert!(!settings(5, 0).is_settings() && !settings(0, 1).is_settings());
        assert!(settings(0, 1).is_settings_ack() && !settings(0, 0).is_settings_ack());
    }

    #[test]
    fn frames_are_followed_whatever_pieces_they_arrive_in() {
        let frames = [
            frame(HEADERS, 0, 1, b"ab"),
            frame(CONTINUATION, END_HEADERS, 1, b""),
            frame(DATA, 0, 1, b"cde"),
        ];
        let sent = [PREFACE, &frames.concat()].concat();
        // The preface, and the ends of all frames except for that in the header block.
        let between = [frames[0].len() + frames[1].len(), frames.concat().len()];
        for size in 1..=sent.len() {
            let mut position = FramePosition::of_client();
            let (mut kinds, mut payload, mut read) = (Vec::new(), Vec::new(), 0);
            for mut chunk in sent.chunks(size) {
                read += chunk.len();
                while let Some(piece) = position.next_piece(&mut chunk) {
                    match piece {
                        Piece::Frame(frame) => kinds.push(frame.kind),
                        Piece::Payload(bytes) => payload.extend_from_slice(bytes),
                    }
                }
                let is_between = between.iter().any(|end| PREFACE.len() + end == read);
                let is_start = read == PREFACE.len();
                assert_eq!(position.is_between_frames(), is_between || is_start, "{read} bytes");
            }
            assert_eq!(kinds, [1, 9, 0], "{size}");
            assert_eq!(payload, [PREFACE, b"abcde"].concat(), "{size}");
            let mut position = FramePosition::of_client();
            let mut frames = Vec::new();
            for mut chunk in sent.chunks(size) {
                while let Some(frame) = position.next_frame(&mut chunk) {
                    frames.push(frame.kind);
                }
                assert!(chunk.is_empty(), "{size}");
            }
            assert_eq!(frames, kinds, "{size}");
        }
    }
}
