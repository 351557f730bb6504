//! The headers of HTTP/2 frames, as far as a connection's beginning needs them.
//!
//! Everything after the beginning is the library's.

/// The length of a frame's header.
pub(super) const LENGTH: usize = 9;

pub(super) const SETTINGS: u8 = 4;
pub(super) const GOAWAY: u8 = 7;
const ACK: u8 = 1;

/// The header of a frame.
pub(super) struct FrameHeader {
    /// Of the payload.
    pub(super) length: usize,
    pub(super) kind: u8,
    flags: u8,
}

impl FrameHeader {
    /// The header that `bytes` begin with, if they are enough of them.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, ..] = *bytes.first_chunk::<LENGTH>()?;
        let length = u32::from_be_bytes([0, a, b, c]);
        Some(Self { length: usize::try_from(length).unwrap_or(usize::MAX), kind, flags })
    }

    pub(super) fn is_settings(&self) -> bool {
        self.kind == SETTINGS && self.flags & ACK == 0 && self.length.is_multiple_of(6)
    }

    pub(super) fn is_acknowledgement(&self) -> bool {
        self.kind == SETTINGS && self.flags & ACK != 0 && self.length == 0
    }
}
