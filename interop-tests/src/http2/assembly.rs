//! Header blocks of one connection, put together from HEADERS and CONTINUATION and decoded.
//!
//! Every block has to be decoded, also one that nobody asks for: later ones refer to it.

use crate::http2::frame::{Frame, flag, kind};
use crate::http2::header_block::{Decoder, Field};

/// See the module.
pub(crate) struct Assembly {
    decoder: Decoder,
    /// A block that CONTINUATION goes on with: its first frame and what has come so far.
    block: Option<(Frame, Vec<u8>)>,
}

/// A block that is complete.
pub(crate) struct Block {
    pub(crate) stream: u32,
    pub(crate) end_stream: bool,
    /// The error says what is wrong with it.
    pub(crate) fields: Result<Vec<Field>, String>,
}

impl Assembly {
    pub(crate) fn new() -> Self {
        Self { decoder: Decoder::new(), block: None }
    }

    /// Takes HEADERS or CONTINUATION; gives the block if this was its last frame.
    pub(crate) fn take(&mut self, frame: Frame) -> Option<Block> {
        let flags = frame.flags;
        if frame.kind == kind::HEADERS {
            let content = frame.content().map(<[u8]>::to_vec)?;
            self.block = Some((frame, content));
        } else if let Some((_, block)) = &mut self.block {
            block.extend(&frame.payload);
        }
        let (first, block) = self.block.take()?;
        if (first.flags | flags) & flag::END_HEADERS == 0 {
            self.block = Some((first, block));
            return None;
        }
        let fields = self.decoder.decode(&block);
        Some(Block { stream: first.stream, end_stream: first.has(flag::END_STREAM), fields })
    }
}
