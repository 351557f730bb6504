//! The headers of HTTP/2 frames, as far as they are looked at before a library reads them.
//!
//! A connection's bytes come cut anywhere, so a header is put together from pieces or read from what
//! has been kept; the payloads are everybody's own business.

/// What a client says first, before its first frame (RFC 9113, section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame begins with three bytes of length, its type, its flags and its stream (section 4.1).
pub(crate) const LENGTH: usize = 9;

pub(crate) const HEADERS: u8 = 1;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

const ACK: u8 = 0x1;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Of the payload, in bytes.
    pub(crate) length: usize,
    pub(crate) kind: u8,
    flags: u8,
    pub(crate) stream: u32,
}

impl FrameHeader {
    /// The header that `bytes` begin with, if they are enough of them.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().map(Self::of)
    }

    fn of(bytes: &[u8; LENGTH]) -> Self {
        let [high, middle, low, kind, flags, stream @ ..] = *bytes;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Self { length, kind, flags, stream: u32::from_be_bytes(stream) }
    }

    /// Whether the peer takes note of our SETTINGS, whatever the length says.
    pub(crate) fn acknowledges(self) -> bool {
        self.kind == SETTINGS && self.flags & ACK != 0
    }

    /// Whether the payload is settings, as long as they can be.
    pub(crate) fn has_settings(self) -> bool {
        self.kind == SETTINGS && self.flags & ACK == 0 && self.length.is_multiple_of(6)
    }

    /// Whether the payload of a HEADERS frame begins with the length of its padding.
    pub(crate) fn is_padded(self) -> bool {
        self.flags & PADDED != 0
    }

    /// Whether a priority stands before the fields of a HEADERS frame.
    pub(crate) fn has_priority(self) -> bool {
        self.flags & PRIORITY != 0
    }
}

/// The header that comes next, of which a part may have come.
#[derive(Debug, Default)]
pub(crate) struct PartialHeader {
    bytes: [u8; LENGTH],
    filled: usize,
}

impl PartialHeader {
    /// Takes what it lacks from the beginning of `bytes`: how many bytes that are, and the header if
    /// it is whole now. The next one is begun then.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> (usize, Option<FrameHeader>) {
        let taken = bytes.len().min(LENGTH - self.filled);
        self.bytes[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
        self.filled += taken;
        if self.filled < LENGTH {
            return (taken, None);
        }
        self.filled = 0;
        (taken, Some(FrameHeader::of(&self.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameHeader, LENGTH, PartialHeader};

    const PADDED_HEADERS: [u8; LENGTH] = [1, 2, 3, 1, 0x2d, 0, 0, 1, 5];

    #[test]
    fn a_header_is_read_in_one_piece_or_put_together() {
        let header = FrameHeader::read(&PADDED_HEADERS).expect("all of it");
        assert_eq!((header.length, header.kind, header.stream), (0x01_0203, 1, 0x105));
        assert!(header.is_padded() && header.has_priority() && !header.acknowledges());
        assert_eq!(FrameHeader::read(&PADDED_HEADERS[1..]), None);
        let twice = [PADDED_HEADERS, PADDED_HEADERS].concat();
        for size in 1..=LENGTH {
            let (mut partial, mut found) = (PartialHeader::default(), Vec::new());
            for mut chunk in twice.chunks(size) {
                while !chunk.is_empty() {
                    let (taken, header) = partial.take(chunk);
                    chunk = &chunk[taken..];
                    found.extend(header);
                }
            }
            assert_eq!(found, [header; 2], "in chunks of {size}");
        }
    }

    #[test]
    fn settings_and_their_acknowledgement() {
        let settings = |length, flags| {
            FrameHeader::read(&[0, 0, length, 4, flags, 0, 0, 0, 0]).expect("all of it")
        };
        assert!(settings(0, 0).has_settings() && settings(12, 0).has_settings());
        assert!(!settings(5, 0).has_settings() && !settings(0, 1).has_settings());
        assert!(settings(0, 1).acknowledges() && !settings(0, 0).acknowledges());
    }
}
