//! Events while they are taken: bytes, and no more about them than has to be known at once.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many bytes are kept of a payload, a message, or what is no frame.
pub(crate) const KEPT: usize = 1024;

/// The length of a frame's header.
pub(crate) const HEADER: usize = 9;

/// Who has done or sent something.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    Client,
    Server,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct RawEvent {
    pub(crate) at: Instant,
    pub(crate) connection: usize,
    pub(crate) from: Sender,
    pub(crate) what: RawWhat,
}

#[derive(Clone, Debug)]
pub(crate) enum RawWhat {
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
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    pub(crate) length: usize,
}

impl Kept {
    /// Adds `bytes`, of which so many are kept that there are `most` at the end.
    pub(crate) fn add(&mut self, bytes: &[u8], most: usize) {
        let room = most.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend(&bytes[..room]);
        self.length += bytes.len();
    }
}

/// A frame; one that was cut off has less payload than its header says.
#[derive(Clone, Debug)]
pub(crate) struct RawFrame {
    /// Less than 9 bytes if it was cut off here.
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Kept,
    pub(crate) messages: Vec<RawMessage>,
    pub(crate) more_messages: usize,
    /// What has come of a message that does not end in this frame.
    pub(crate) begun: Option<Begun>,
}

/// A message that has ended.
#[derive(Clone, Debug)]
pub(crate) struct RawMessage {
    pub(crate) flag: u8,
    /// Where its prefix begins in the payload of the frame in which it ends.
    pub(crate) start: Option<usize>,
    /// Where it ends there.
    pub(crate) end: usize,
    pub(crate) bytes: Kept,
}

/// A message that has not ended.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    /// Its flag and length, once the prefix has come.
    pub(crate) prefix: Option<(u8, usize)>,
    /// How many bytes have come of the message, or of the prefix.
    pub(crate) came: usize,
}

impl RawFrame {
    pub(crate) fn kind(&self) -> u8 {
        self.header.get(3).copied().unwrap_or_default()
    }

    pub(crate) fn flags(&self) -> u8 {
        self.header.get(4).copied().unwrap_or_default()
    }

    pub(crate) fn stream(&self) -> u32 {
        let stream = self.header.get(5..HEADER).and_then(|bytes| bytes.try_into().ok());
        stream.map_or(0, u32::from_be_bytes) & 0x7fff_ffff
    }

    /// How long the header says that the payload is.
    pub(crate) fn length(&self) -> usize {
        match self.header[..] {
            [a, b, c, ..] => u32::from_be_bytes([0, a, b, c]) as usize,
            _ => 0,
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.header.len() == HEADER && self.payload.length == self.length()
    }
}
