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

pub(crate) const HEADERS: u8 = 1;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
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
    use super::{FrameHeader, HEADER_LENGTH, PartialHeader};

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
}
