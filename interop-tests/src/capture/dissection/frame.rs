//! Names the bytes of an HTTP/2 frame, by RFC 9113.
//!
//! The ranges have no gaps, so that a report can explain every byte.

use std::ops::Range;

use crate::capture::dissection::messages::MessagesOfFrame;
use crate::capture::trace::{Bytes, EventKind, Field, Frame, HeaderBlock, Part};
use crate::http2::frame::{error_name, flag, kind, kind_name};
use crate::http2::{FrameHeader, header_block, value::shown};

/// How many fields of a header block are kept.
const FIELDS: usize = 100;

/// A frame while its bytes arrive.
#[derive(Debug)]
pub(crate) struct IncomingFrame {
    /// The bytes of the header: fewer than nine if it was cut off.
    header_bytes: Vec<u8>,
    /// The header, with zeros where it was cut off.
    pub(crate) header: FrameHeader,
    pub(crate) payload: Bytes,
    /// The messages in it, if it is DATA.
    pub(crate) messages: MessagesOfFrame,
}

impl IncomingFrame {
    /// A frame of whose header `bytes` were sent: all of it or its beginning.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut header = [0; FrameHeader::SIZE];
        header[..bytes.len()].copy_from_slice(bytes);
        Self {
            header_bytes: bytes.to_vec(),
            header: FrameHeader::decode(header),
            payload: Bytes::default(),
            messages: MessagesOfFrame::default(),
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.header_bytes.len() == FrameHeader::SIZE && self.payload.length == self.header.length
    }

    /// The range of the payload without padding and its length. `None` if the padding is longer than the frame, or
    /// its length has not been sent yet.
    pub(crate) fn content(&self) -> Option<Range<usize>> {
        self.header.content(self.payload.kept.first().copied())
    }

    /// The event that the frame is, with the fields of the header block that ends with it.
    pub(crate) fn dissect(
        self,
        block: Option<Result<Vec<header_block::Field>, String>>,
    ) -> EventKind {
        let event = if self.is_whole() { EventKind::Frame } else { EventKind::CutOff };
        event(Frame {
            name: kind_name(self.header.kind),
            flags: flags(self.header),
            stream: self.header.stream,
            parts: parts(&self),
            header: self.header_bytes,
            payload: self.payload,
            block: block.map(header_block),
            more_messages: self.messages.more_messages(),
            messages: self.messages.with_fields(),
        })
    }
}

fn header_block(decoded: Result<Vec<header_block::Field>, String>) -> HeaderBlock {
    let error = decoded.as_ref().err().cloned();
    let fields = decoded.unwrap_or_default();
    let more_fields = fields.len().saturating_sub(FIELDS);
    let field =
        |(name, value): &header_block::Field| Field { name: shown(name), value: shown(value) };
    HeaderBlock { fields: fields.iter().take(FIELDS).map(field).collect(), more_fields, error }
}

/// The names of the flags that are set.
fn flags(header: FrameHeader) -> Vec<String> {
    use kind::{CONTINUATION, DATA, HEADERS, PING, PUSH_PROMISE, SETTINGS};
    /// The bits, names and frame types of flags.
    const FLAGS: [(u8, &str, &[u8]); 5] = [
        (flag::END_STREAM, "END_STREAM", &[DATA, HEADERS]),
        (flag::ACK, "ACK", &[SETTINGS, PING]),
        (flag::END_HEADERS, "END_HEADERS", &[HEADERS, PUSH_PROMISE, CONTINUATION]),
        (flag::PADDED, "PADDED", &[DATA, HEADERS, PUSH_PROMISE]),
        (flag::PRIORITY, "PRIORITY", &[HEADERS]),
    ];
    let is_set =
        |(bit, _, kinds): &&(u8, &str, &[u8])| header.has(*bit) && kinds.contains(&header.kind);
    let set = FLAGS.iter().filter(is_set);
    let unknown = set.clone().fold(header.flags, |flags, (bit, ..)| flags & !bit);
    let unknown = (unknown != 0).then(|| format!("{unknown:#04x}"));
    set.map(|(_, name, _)| (*name).to_owned()).chain(unknown).collect()
}

/// The parts of header and payload.
fn parts(frame: &IncomingFrame) -> Vec<Part> {
    let IncomingFrame { header_bytes, header, payload, messages } = frame;
    let kept = [header_bytes, &payload.kept[..]].concat();
    let end = header_bytes.len() + payload.length;
    let mut parts = Parts { header: *header, kept: &kept, end, named: Vec::new() };
    let padding: &[Number] = if header.is_padded() { &[(1, "pad length")] } else { &[] };
    for (size, name) in [HEADER, padding, numbers(*header)].concat() {
        parts.add_number(size, name);
    }
    let content_end =
        FrameHeader::SIZE + frame.content().map_or(padding.len(), |content| content.end);
    match header.kind {
        kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => {
            parts.add(content_end, "header block", String::new());
        }
        kind::SETTINGS => {
            while end - parts.position() >= 6 {
                parts.add_number(2, "identifier");
                parts.add_number(4, "value");
            }
        }
        kind::GOAWAY => {
            let debug_data = payload.kept.get(8..).map(shown).unwrap_or_default();
            parts.add(end, "debug data", debug_data);
        }
        _ => {}
    }
    for (end, name, value) in &messages.parts {
        parts.add(*end, name, value.clone());
    }
    let rest = match header.kind {
        _ if header.is_padded() && parts.position() >= content_end => "padding",
        0..=kind::CONTINUATION => "unexpected bytes",
        _ => "payload",
    };
    parts.add(end, rest, String::new());
    parts.named
}

/// Names one part of a frame after the other.
struct Parts<'a> {
    header: FrameHeader,
    /// The bytes of header and payload, as far as they are kept.
    kept: &'a [u8],
    /// Where the frame ends, or the part of it that was sent.
    end: usize,
    named: Vec<Part>,
}

impl Parts<'_> {
    /// Where the next part starts.
    fn position(&self) -> usize {
        self.named.last().map_or(0, |part| part.end)
    }

    /// Adds the part until `end`, as far as it was sent.
    fn add(&mut self, end: usize, name: &str, value: String) {
        let (start, end) = (self.position(), end.min(self.end));
        if start < end {
            self.named.push(Part { start, end, name: name.to_owned(), value });
        }
    }

    /// Adds a part that is a number of `size` bytes.
    fn add_number(&mut self, size: usize, name: &str) {
        let start = self.position();
        let value = match self.kept.get(start..start + size) {
            Some(bytes) => {
                let number = bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
                self.meaning(name, number)
            }
            None if self.end < start + size => "cut off".to_owned(),
            None => "not kept".to_owned(),
        };
        self.add(start + size, name, value);
    }

    fn meaning(&self, name: &str, number: u32) -> String {
        // Without the highest bit, which is reserved in a stream or an increment.
        let value = number & 0x7fff_ffff;
        match name {
            "type" => kind_name(self.header.kind),
            "flags" if self.header.flags == 0 => "none".to_owned(),
            "flags" => flags(self.header).join(" | "),
            "stream" if number != value => format!("{value}, reserved bit set"),
            "dependency" | "promised stream" | "last stream" | "increment" => value.to_string(),
            "error code" => error_name(number),
            "identifier" => setting_name(number),
            "weight" | "opaque data" => String::new(),
            _ => number.to_string(),
        }
    }
}

/// The size and the name of a number.
type Number = (usize, &'static str);

/// The header of a frame.
const HEADER: &[Number] = &[(3, "length"), (1, "type"), (1, "flags"), (4, "stream")];

/// The numbers with which the payload of a frame starts, after the length of the padding.
fn numbers(header: FrameHeader) -> &'static [Number] {
    const PRIORITY: &[Number] = &[(4, "dependency"), (1, "weight")];
    match header.kind {
        kind::HEADERS if header.has(flag::PRIORITY) => PRIORITY,
        kind::PRIORITY => PRIORITY,
        kind::RST_STREAM => &[(4, "error code")],
        kind::PUSH_PROMISE => &[(4, "promised stream")],
        kind::PING => &[(8, "opaque data")],
        kind::GOAWAY => &[(4, "last stream"), (4, "error code")],
        kind::WINDOW_UPDATE => &[(4, "increment")],
        _ => &[],
    }
}

/// A parameter of SETTINGS, including those of gRPC.
fn setting_name(identifier: u32) -> String {
    let name = match identifier {
        1 => "HEADER_TABLE_SIZE",
        2 => "ENABLE_PUSH",
        3 => "MAX_CONCURRENT_STREAMS",
        4 => "INITIAL_WINDOW_SIZE",
        5 => "MAX_FRAME_SIZE",
        6 => "MAX_HEADER_LIST_SIZE",
        8 => "ENABLE_CONNECT_PROTOCOL",
        0xfe03 => "GRPC_ALLOW_TRUE_BINARY_METADATA",
        0xfe04 => "GRPC_PREFERRED_RECEIVE_MESSAGE_SIZE",
        0xfe05 => "GRPC_ALLOW_SECURITY_FRAME",
        _ => "(unknown)",
    };
    format!("{identifier} {name}")
}
