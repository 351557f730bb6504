//! Decodes header blocks.
//!
//! HPACK makes a block depend on the blocks before it in the same direction of a connection, so every
//! block has to be decoded, in order.

use std::collections::BTreeMap;

use crate::capture::recorder::event::{RecordedEvent, RecordedFrame, RecordedKind};
use crate::capture::trace::Sender;
use crate::http2::frame::{Frame, FrameHeader, flag};
use crate::http2::header_block::{BlockReader, Field};

/// The decoders of all directions of all connections.
#[derive(Default)]
pub(crate) struct HeaderBlocks(BTreeMap<(usize, Sender), Decoder>);

struct Decoder {
    reader: BlockReader,
    /// Whether a block could not be decoded, so that later ones cannot be either.
    is_broken: bool,
}

/// The stream and the fields of a header block, or why it cannot be decoded.
pub(crate) type Decoded = Result<(u32, Vec<Field>), String>;

impl HeaderBlocks {
    /// Decodes the header block that ends with this event.
    pub(crate) fn decode(&mut self, event: &RecordedEvent) -> Option<Decoded> {
        match &event.kind {
            RecordedKind::Frame(frame) => self.decode_frame(event.connection, event.sender, frame),
            RecordedKind::Other(_) => None,
        }
    }

    /// Decodes the header block that ends with this frame.
    pub(crate) fn decode_frame(
        &mut self,
        connection: usize,
        sender: Sender,
        frame: &RecordedFrame,
    ) -> Option<Decoded> {
        if !frame.is_whole() || !frame.carries_header_block() {
            return None;
        }
        let new = || Decoder { reader: BlockReader::new(), is_broken: false };
        let decoder = self.0.entry((connection, sender)).or_insert_with(new);
        decoder.is_broken |= frame.payload.left_out > 0;
        let header = frame.header();
        let FrameHeader { kind, flags, stream, .. } = header;
        let frame = Frame::new(kind, flags, stream, frame.payload.kept.clone());
        let Some(block) = decoder.reader.take(frame) else {
            let error = "its padding is longer than the frame, or no HEADERS came before it";
            return header.has(flag::END_HEADERS).then(|| Err(error.to_owned()));
        };
        if decoder.is_broken {
            return Some(Err("a header block before it, or a part of it, is not kept".to_owned()));
        }
        decoder.is_broken = block.fields.is_err();
        Some(block.fields.map(|fields| (block.stream, fields)))
    }
}
