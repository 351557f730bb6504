//! Events as they are recorded: bytes, and only as much about them as cannot be found out later.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Instant;

use crate::capture::trace::{Bytes, EventKind, Sender};
use crate::http2::frame::{FrameHeader, flag, kind};

/// How many bytes are kept of a payload and of a message.
pub(crate) const KEPT: usize = 1024;

/// An event on a connection.
#[derive(Clone, Debug)]
pub(crate) struct RecordedEvent {
    pub(crate) time: Instant,
    /// The number of the connection, from 1.
    pub(crate) connection: usize,
    pub(crate) sender: Sender,
    pub(crate) kind: RecordedKind,
}

#[derive(Clone, Debug)]
pub(crate) enum RecordedKind {
    /// A frame; one that was cut off is not [whole](RecordedFrame::is_whole).
    Frame(RecordedFrame),
    /// Anything that needs no dissection.
    Other(EventKind),
}

/// An HTTP/2 frame, or the part of it that was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordedFrame {
    /// The bytes of the header; zeros where it was cut off.
    pub(crate) header_bytes: [u8; FrameHeader::SIZE],
    /// How many of them were sent.
    pub(crate) header_length: usize,
    pub(crate) payload: Bytes,
    /// The first messages that end in this frame.
    pub(crate) messages: Vec<RecordedMessage>,
    /// How many more messages end in it, by their compressed flag.
    pub(crate) more_messages: BTreeMap<u8, usize>,
    /// The message that goes on after this frame.
    pub(crate) unfinished: Option<UnfinishedMessage>,
}

/// A message whose last byte was sent.
#[derive(Clone, Debug)]
pub(crate) struct RecordedMessage {
    pub(crate) flag: u8,
    /// Where its prefix starts in the payload of the frame in which it ends, unless it started in an
    /// earlier frame.
    pub(crate) start: Option<usize>,
    /// Where it ends in that payload.
    pub(crate) end: usize,
    pub(crate) bytes: Bytes,
}

/// A message of which a part was sent.
#[derive(Clone, Debug)]
pub(crate) struct UnfinishedMessage {
    /// The compressed flag and the length, if the prefix is complete.
    pub(crate) prefix: Option<(u8, usize)>,
    /// Whether its prefix starts in this frame.
    pub(crate) starts_here: bool,
    /// How many bytes of it were sent, without the prefix.
    pub(crate) received: usize,
}

impl RecordedFrame {
    /// A frame of whose header `header` was sent: all of it or its beginning.
    pub(crate) fn new(header: &[u8]) -> Self {
        let mut frame = Self { header_length: header.len(), ..Self::default() };
        frame.header_bytes[..header.len()].copy_from_slice(header);
        frame
    }

    pub(crate) fn header(&self) -> FrameHeader {
        FrameHeader::decode(self.header_bytes)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.header_length == FrameHeader::SIZE && self.payload.length == self.header().length
    }

    pub(crate) fn carries_header_block(&self) -> bool {
        matches!(self.header().kind, kind::HEADERS | kind::CONTINUATION)
    }

    pub(crate) fn is_padded(&self) -> bool {
        let header = self.header();
        matches!(header.kind, kind::DATA | kind::HEADERS | kind::PUSH_PROMISE)
            && header.has(flag::PADDED)
    }

    /// Where the payload is neither padding nor its length. `None` if the padding is longer than the
    /// frame, or its length was not sent yet.
    pub(crate) fn content(&self) -> Option<Range<usize>> {
        let length = self.header().length;
        if !self.is_padded() {
            return Some(0..length);
        }
        let padding = usize::from(*self.payload.kept.first()?);
        length.checked_sub(padding).filter(|end| *end > 0).map(|end| 1..end)
    }
}
