//! Header blocks: HPACK in both directions.
//!
//! Written as literals that are neither indexed nor Huffman-coded: the only form that can carry
//! names and values that are illegal.

use crate::http2::frame::{Frame, flag, kind};

/// A name and a value, as bytes: neither has to be legal.
pub type Field = (Vec<u8>, Vec<u8>);

/// The block with `fields` in their order.
pub fn encode(fields: &[Field]) -> Vec<u8> {
    /// A literal without indexing, with a new name.
    const LITERAL: u8 = 0x00;
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(LITERAL);
        for text in [name, value] {
            write_length(text.len(), &mut block);
            block.extend(text);
        }
    }
    block
}

/// HEADERS, begun as `first`, and CONTINUATION that carry `block` in fragments of `room` bytes.
pub fn frames(mut first: Frame, block: &[u8], room: usize) -> Vec<Frame> {
    let mut fragments = block.chunks(room.max(1));
    first.payload.extend(fragments.next().unwrap_or_default());
    let stream = first.stream;
    let further = fragments.map(|fragment| Frame::new(kind::CONTINUATION, 0, stream, fragment));
    let mut frames: Vec<_> = std::iter::once(first).chain(further).collect();
    if let Some(last) = frames.last_mut() {
        last.flags |= flag::END_HEADERS;
    }
    frames
}

/// An integer with a prefix of 7 bits; the bit above says that no Huffman code follows.
fn write_length(length: usize, block: &mut Vec<u8>) {
    const PREFIX: u8 = 0x7f;
    let Some(mut rest) = length.checked_sub(usize::from(PREFIX)) else {
        block.extend(u8::try_from(length));
        return;
    };
    block.push(PREFIX);
    while rest >= 0x80 {
        block.extend(u8::try_from(rest & 0x7f).map(|low| low | 0x80));
        rest >>= 7;
    }
    block.extend(u8::try_from(rest));
}

/// Reads the blocks of one connection, which have to come in order.
pub struct Decoder(loona_hpack::Decoder<'static>);

impl Decoder {
    pub fn new() -> Self {
        Self(loona_hpack::Decoder::new())
    }

    /// The fields of `block`; the error says what is wrong with it.
    pub fn decode(&mut self, block: &[u8]) -> Result<Vec<Field>, String> {
        self.0.decode(block).map_err(|error| format!("{error:?}"))
    }
}
