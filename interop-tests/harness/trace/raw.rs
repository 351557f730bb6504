//! Events while they are taken: bytes, and no more about them than has to be known at once.

use std::time::Instant;

use super::event::Sender;

/// How many bytes are kept of a payload, a message, or what is no frame.
pub(super) const KEPT: usize = 1024;

/// The length of a frame's header.
pub(super) const HEADER: usize = 9;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct RawEvent {
    pub(super) at: Instant,
    pub(super) connection: usize,
    pub(super) from: Sender,
    pub(super) what: RawWhat,
}

#[derive(Clone, Debug)]
pub(super) enum RawWhat {
    Opened,
    Preface,
    Frame(RawFrame),
    Bytes(Kept),
    TlsRecord([u8; 5]),
    HalfClosed,
    Reset,
    Closed,
}

/// The first of some bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    pub(super) length: usize,
}

impl Kept {
    /// Adds `bytes`, of which so many are kept that there are `most` at the end.
    pub(super) fn add(&mut self, bytes: &[u8], most: usize) {
        let room = most.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend(&bytes[..room]);
        self.length += bytes.len();
    }
}

/// A frame; one that was cut off has less payload than its header says.
#[derive(Clone, Debug)]
pub(super) struct RawFrame {
    /// Less than 9 bytes if it was cut off here.
    pub(super) header: Vec<u8>,
    pub(super) payload: Kept,
    pub(super) messages: Vec<RawMessage>,
    pub(super) more_messages: usize,
    /// What has come of a message that does not end in this frame.
    pub(super) begun: Option<Begun>,
}

/// A message that has ended.
#[derive(Clone, Debug)]
pub(super) struct RawMessage {
    pub(super) flag: u8,
    /// Where its prefix begins in the payload of the frame in which it ends.
    pub(super) start: Option<usize>,
    /// Where it ends there.
    pub(super) end: usize,
    pub(super) bytes: Kept,
}

/// A message that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// Its flag and length, once the prefix has come.
    pub(super) prefix: Option<(u8, usize)>,
    /// How many bytes have come of the message, or of the prefix.
    pub(super) came: usize,
}

impl RawFrame {
    pub(super) fn kind(&self) -> u8 {
        self.header.get(3).copied().unwrap_or_default()
    }

    pub(super) fn flags(&self) -> u8 {
        self.header.get(4).copied().unwrap_or_default()
    }

    pub(super) fn stream(&self) -> u32 {
        let stream = self.header.get(5..HEADER).and_then(|bytes| bytes.try_into().ok());
        stream.map_or(0, u32::from_be_bytes) & 0x7fff_ffff
    }

    /// How long the header says that the payload is.
    pub(super) fn length(&self) -> usize {
        match self.header[..] {
            [a, b, c, ..] => u32::from_be_bytes([0, a, b, c]) as usize,
            _ => 0,
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.header.len() == HEADER && self.payload.length == self.length()
    }
}
