//! Header lists as written in tables, and header blocks: HPACK in HEADERS and CONTINUATION frames.
//!
//! Blocks are encoded as literals that are neither indexed nor Huffman-coded. No library is used, because HPACK
//! encoders refuse illegal names and values.

use serde::{Deserialize, Serialize};

use crate::http2::frame::{Frame, flag, kind};
use crate::http2::value::Text;

/// A header field: name and value, which need not be legal.
pub type Field = (Vec<u8>, Vec<u8>);

/// Encodes `fields` in order.
pub fn encode(fields: &[Field]) -> Vec<u8> {
    /// A literal field without indexing, with a literal name.
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

/// Splits `block` into fragments of at most `size` bytes: the HEADERS frame `first` and CONTINUATION
/// frames.
pub(crate) fn frames(mut first: Frame, block: &[u8], size: usize) -> Vec<Frame> {
    let mut fragments = block.chunks(size.max(1));
    first.payload.extend(fragments.next().unwrap_or_default());
    let stream = first.stream;
    let further = fragments.map(|fragment| Frame::new(kind::CONTINUATION, 0, stream, fragment));
    let mut frames: Vec<_> = std::iter::once(first).chain(further).collect();
    if let Some(last) = frames.last_mut() {
        last.flags |= flag::END_HEADERS;
    }
    frames
}

/// Appends an HPACK integer with a 7-bit prefix. The highest bit is 0: no Huffman coding.
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

/// Decodes the header blocks of one direction of a connection, in order.
#[derive(Default)]
pub struct Decoder(loona_hpack::Decoder<'static>);

impl Decoder {
    /// Decodes `block` to its fields. The error is a description.
    pub fn decode(&mut self, block: &[u8]) -> Result<Vec<Field>, String> {
        self.0.decode(block).map_err(|error| format!("{error:?}"))
    }
}

/// Assembles and decodes the header blocks of one direction of a connection.
///
/// Every block must be decoded, because later blocks refer to the dynamic table that it changes.
#[derive(Default)]
pub(crate) struct BlockReader {
    decoder: Decoder,
    /// An incomplete block: its HEADERS frame and the fragments so far.
    pending: Option<(Frame, Vec<u8>)>,
    /// Whether a block could not be decoded, so that later blocks cannot be decoded either.
    is_broken: bool,
}

/// A complete header block.
pub(crate) struct Block {
    pub(crate) stream: u32,
    pub(crate) end_stream: bool,
    /// The fields, or the decoding error.
    pub(crate) fields: Result<Vec<Field>, String>,
}

impl BlockReader {
    /// Adds a HEADERS or CONTINUATION frame; returns the block if this was its last frame.
    pub(crate) fn take(&mut self, frame: Frame) -> Option<Block> {
        let flags = frame.flags;
        if frame.kind == kind::HEADERS {
            let fragment = frame.content().map(<[u8]>::to_vec)?;
            self.pending = Some((frame, fragment));
        } else if let Some((_, block)) = &mut self.pending {
            block.extend(&frame.payload);
        }
        let (first, block) = self.pending.take()?;
        if (first.flags | flags) & flag::END_HEADERS == 0 {
            self.pending = Some((first, block));
            return None;
        }
        let fields = if self.is_broken {
            Err("a header block before it cannot be decoded".to_owned())
        } else {
            self.decoder.decode(&block)
        };
        self.is_broken = fields.is_err();
        Some(Block { stream: first.stream, end_stream: first.has(flag::END_STREAM), fields })
    }
}

/// A legal header list, to which changes are applied.
pub(crate) type Legal = [(&'static str, &'static str)];

/// One change of a header list. Exactly one of `set`, `remove`, `add` and `first` names the header.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Changes the value of a header. The position stays.
    pub(crate) set: Option<Text>,
    /// Removes a header.
    pub(crate) remove: Option<Text>,
    /// Appends a header; `{n}` in its name is the number of the copy.
    pub(crate) add: Option<Text>,
    /// Prepends a header.
    pub(crate) first: Option<Text>,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub(crate) value: Text,
    /// Pads the value with `a` to this number of bytes.
    pub(crate) size: Option<usize>,
    /// The number of copies that `add` appends.
    pub(crate) times: Option<usize>,
}

impl Change {
    /// The name of the header, unless it is removed.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        let mut names = [&self.set, &self.add, &self.first].into_iter().flatten();
        names.next().map(|name| &name.0[..])
    }

    /// Checks the change, which is applied to `legal`.
    pub(crate) fn check(&self, legal: &Legal) -> Result<(), String> {
        let named = [&self.set, &self.remove, &self.add, &self.first];
        if named.iter().filter(|name| name.is_some()).count() != 1 {
            let keys = "`set`, `remove`, `add` and `first`";
            return Err(format!("a change of a header needs exactly one of {keys}"));
        }
        let is_known = |name: &Text| legal.iter().any(|(legal, _)| legal.as_bytes() == name.0);
        match self.set.iter().chain(&self.remove).find(|name| !is_known(name)) {
            None => Ok(()),
            Some(Text(name)) => Err(format!(
                "set and remove: the header list has no `{}`; use `add` for a new header",
                name.escape_ascii()
            )),
        }
    }

    fn apply(&self, fields: &mut Vec<Field>) {
        let mut value = self.value.0.clone();
        value.resize(self.size.unwrap_or(value.len()), b'a');
        if let Some(name) = &self.set {
            for field in fields.iter_mut().filter(|field| field.0 == name.0) {
                field.1.clone_from(&value);
            }
        } else if let Some(name) = &self.remove {
            fields.retain(|field| field.0 != name.0);
        } else if let Some(name) = &self.first {
            fields.insert(0, (name.0.clone(), value));
        } else if let Some(name) = &self.add {
            let copy = |n: usize| (numbered(&name.0, n), value.clone());
            fields.extend((0..self.times.unwrap_or(1)).map(copy));
        }
    }
}

fn numbered(name: &[u8], n: usize) -> Vec<u8> {
    const PLACE: &[u8] = b"{n}";
    match name.windows(PLACE.len()).position(|part| part == PLACE) {
        None => name.to_vec(),
        Some(at) => [&name[..at], n.to_string().as_bytes(), &name[at + PLACE.len()..]].concat(),
    }
}

/// Applies `changes` to the `legal` header list.
pub(crate) fn changed(legal: &Legal, changes: &[Change]) -> Vec<Field> {
    let field = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
    apply(changes, legal.iter().map(field).collect())
}

/// Applies `changes` to `fields`.
pub(crate) fn apply(changes: &[Change], mut fields: Vec<Field>) -> Vec<Field> {
    for change in changes {
        change.apply(&mut fields);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::{BlockReader, Decoder, Field, encode, frames};
    use crate::http2::frame::{Frame, flag, kind};

    fn fields(fields: &[(&str, &str)]) -> Vec<Field> {
        fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn long_and_illegal_fields_are_decoded_as_they_were_encoded() {
        for length in [0, 1, 126, 127, 128, 254, 255, 256, 16_510, 16_511, 70_000] {
            let fields = vec![(b"X y".to_vec(), vec![0xff; length]), (Vec::new(), b"\0".to_vec())];
            assert_eq!(Decoder::default().decode(&encode(&fields)), Ok(fields), "{length} bytes");
        }
    }

    #[test]
    fn a_block_is_split_into_fragments_and_assembled() {
        let fields = fields(&[(":status", "200"), ("x", "abc")]);
        let block = encode(&fields);
        for size in 1..=block.len() {
            let headers = Frame::new(kind::HEADERS, flag::END_STREAM, 3, []);
            let frames = frames(headers, &block, size);
            assert_eq!(frames.len(), block.len().div_ceil(size));
            let mut reader = BlockReader::default();
            let mut blocks: Vec<_> = frames.into_iter().filter_map(|f| reader.take(f)).collect();
            let block = blocks.pop().expect("the header block is invalid");
            assert!(blocks.is_empty() && block.end_stream && block.stream == 3);
            assert_eq!(block.fields.as_ref(), Ok(&fields), "fragments of {size}");
        }
    }

    #[test]
    fn a_block_may_refer_to_the_one_before() {
        let mut reader = BlockReader::default();
        let mut take = |block: &[u8]| {
            let frame = Frame::new(kind::HEADERS, flag::END_HEADERS, 1, block).padded(3);
            reader.take(frame).expect("the header block is invalid").fields
        };
        assert_eq!(take(b"\x40\x01a\x01b"), Ok(fields(&[("a", "b")])), "indexed");
        assert_eq!(take(b"\xbe"), Ok(fields(&[("a", "b")])), "the newest entry");
        take(b"\xbf").expect_err("there is no second entry");
    }

    #[test]
    fn a_continuation_without_headers_is_no_block() {
        let frame = Frame::new(kind::CONTINUATION, flag::END_HEADERS, 1, *b"\x88");
        assert!(BlockReader::default().take(frame).is_none());
    }

    use super::{Change, Legal, changed};

    const LEGAL: &Legal = &[("a", "1"), ("b", "2")];

    fn change(text: &str) -> Change {
        toml::from_str(text).expect("the change is invalid")
    }

    fn apply(text: &str) -> String {
        let field = |(name, value): &(Vec<u8>, Vec<u8>)| {
            format!("{}={}", name.escape_ascii(), value.escape_ascii())
        };
        changed(LEGAL, &[change(text)]).iter().map(field).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn changes_are_applied() {
        assert_eq!(apply("set = 'a'\nvalue = 'x'"), "a=x b=2");
        assert_eq!(apply("set = 'a'\nvalue = 'x'\nsize = 3"), "a=xaa b=2");
        assert_eq!(apply("remove = 'a'"), "b=2");
        assert_eq!(apply("first = 'c'"), "c= a=1 b=2");
        assert_eq!(apply("add = 'c{n}d'\nvalue = 'x'\ntimes = 2"), "a=1 b=2 c0d=x c1d=x");
        assert_eq!(apply("add = 'c'\ntimes = 2"), "a=1 b=2 c= c=");
    }

    #[test]
    fn changes_are_checked() {
        assert_eq!(change("set = 'a'").check(LEGAL), Ok(()));
        assert_eq!(change("add = 'c'").check(LEGAL), Ok(()));
        change("set = 'c'").check(LEGAL).expect_err("there is no c");
        change("remove = 'c'").check(LEGAL).expect_err("there is no c");
        change("set = 'a'\nadd = 'a'").check(LEGAL).expect_err("two names");
        change("value = '1'").check(LEGAL).expect_err("no name");
    }
}
