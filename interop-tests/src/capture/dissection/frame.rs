//! Names the bytes of an HTTP/2 frame, by RFC 9113.
//!
//! The ranges have no gaps, so that a report can colour every byte.

use crate::capture::recorder::event::{RecordedFrame, UnfinishedMessage};
use crate::capture::trace::Part;
use crate::http2::frame::{FrameHeader, error_name, flag, kind, kind_name};
use crate::http2::text::shown;

/// The names of the flags that are set.
pub(crate) fn flags(header: FrameHeader) -> Vec<String> {
    const END_STREAM: (u8, &str) = (flag::END_STREAM, "END_STREAM");
    const END_HEADERS: (u8, &str) = (flag::END_HEADERS, "END_HEADERS");
    const PADDED: (u8, &str) = (flag::PADDED, "PADDED");
    let known: &[(u8, &str)] = match header.kind {
        kind::DATA => &[END_STREAM, PADDED],
        kind::HEADERS => &[END_STREAM, END_HEADERS, PADDED, (flag::PRIORITY, "PRIORITY")],
        kind::SETTINGS | kind::PING => &[(flag::ACK, "ACK")],
        kind::PUSH_PROMISE => &[END_HEADERS, PADDED],
        kind::CONTINUATION => &[END_HEADERS],
        _ => &[],
    };
    let mut names = Vec::new();
    let mut unknown = header.flags;
    for (bit, name) in known.iter().filter(|(bit, _)| header.has(*bit)) {
        unknown &= !bit;
        names.push((*name).to_owned());
    }
    names.extend((unknown != 0).then(|| format!("{unknown:#04x}")));
    names
}

/// The parts of header and payload.
pub(crate) fn parts(frame: &RecordedFrame) -> Vec<Part> {
    let end = frame.header_length + frame.payload.length;
    let mut dissector = Dissector { frame, position: 0, end, parts: Vec::new() };
    dissector.header();
    if frame.header_length == FrameHeader::SIZE {
        dissector.payload();
    }
    dissector.parts
}

struct Dissector<'a> {
    frame: &'a RecordedFrame,
    /// Where the next part starts.
    position: usize,
    /// Where the frame ends, or the part of it that was sent.
    end: usize,
    parts: Vec<Part>,
}

impl Dissector<'_> {
    fn header(&mut self) {
        let header = self.frame.header();
        let is_reserved_bit_set = self.frame.header_bytes[5] & 0x80 != 0;
        let reserved = if is_reserved_bit_set { ", reserved bit set" } else { "" };
        let flags = match flags(header).join(" | ") {
            none if none.is_empty() => "none".to_owned(),
            some => some,
        };
        for (size, name, value) in [
            (3, "length", header.length.to_string()),
            (1, "type", kind_name(header.kind)),
            (1, "flags", flags),
            (4, "stream", format!("{}{reserved}", header.stream)),
        ] {
            let is_cut_off = self.position + size > self.frame.header_length;
            self.part(size, name, if is_cut_off { "cut off".to_owned() } else { value });
        }
    }

    fn payload(&mut self) {
        let (frame, header) = (self.frame, self.frame.header());
        if frame.is_padded() {
            self.number(1, "pad length", |length| length.to_string());
        }
        let content_end =
            frame.content().map_or(self.position, |content| FrameHeader::SIZE + content.end);
        for (size, name, meaning) in fields(header) {
            self.number(*size, name, meaning);
        }
        match header.kind {
            kind::DATA => self.messages(content_end),
            kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION => {
                self.part_until(content_end, "header block", String::new());
            }
            kind::SETTINGS => {
                while self.end - self.position >= 6 {
                    self.number(2, "identifier", setting_name);
                    self.number(4, "value", |value| value.to_string());
                }
            }
            kind::GOAWAY => {
                let debug_data = frame.payload.kept.get(8..).map(shown).unwrap_or_default();
                self.part_until(self.end, "debug data", debug_data);
            }
            _ => {}
        }
        let rest = match header.kind {
            _ if frame.is_padded() && self.position >= content_end => "padding",
            0..=kind::CONTINUATION => "bytes that do not belong here",
            _ => "payload",
        };
        self.part_until(self.end, rest, String::new());
    }

    fn messages(&mut self, content_end: usize) {
        let frame = self.frame;
        for message in &frame.messages {
            let (end, length) = (FrameHeader::SIZE + message.end, message.bytes.length);
            if message.start.is_some() {
                self.message_prefix(message.flag, length);
                self.part_until(end, "message", String::new());
            } else {
                self.part_until(end, "rest of a message", format!("{length} bytes"));
            }
        }
        if !frame.more_messages.is_empty() {
            let count: usize = frame.more_messages.values().sum();
            return self.part_until(content_end, "messages", format!("{count} more"));
        }
        match frame.unfinished {
            Some(UnfinishedMessage { prefix: Some((flag, length)), starts_here, received }) => {
                if starts_here {
                    self.message_prefix(flag, length);
                }
                let value = format!("{received} of {length} bytes so far");
                self.part_until(content_end, "part of a message", value);
            }
            Some(UnfinishedMessage { prefix: None, .. }) => {
                self.part_until(content_end, "part of a message's prefix", String::new());
            }
            None => {}
        }
    }

    fn message_prefix(&mut self, flag: u8, length: usize) {
        self.part(1, "compressed flag", flag.to_string());
        self.part(4, "message length", length.to_string());
    }

    /// Adds a part of `size` bytes, or of as many as were sent.
    fn part(&mut self, size: usize, name: &str, value: String) {
        self.part_until(self.position + size, name, value);
    }

    fn part_until(&mut self, end: usize, name: &str, value: String) {
        let (start, end) = (self.position, end.min(self.end));
        if start < end {
            self.parts.push(Part { start, end, name: name.to_owned(), value });
            self.position = end;
        }
    }

    /// Adds a part of the payload that is a number of `size` bytes.
    fn number(&mut self, size: usize, name: &str, meaning: impl Fn(u32) -> String) {
        let start = self.position - FrameHeader::SIZE;
        let payload = &self.frame.payload;
        let value = match payload.kept.get(start..start + size) {
            Some(bytes) => {
                meaning(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
            }
            None if payload.length < start + size => "cut off".to_owned(),
            None => "not kept".to_owned(),
        };
        self.part(size, name, value);
    }
}

/// A field of fixed size: its size, its name and the meaning of its value.
type FixedField = (usize, &'static str, fn(u32) -> String);

/// The fields with which the payload of a frame starts, after the length of the padding.
fn fields(header: FrameHeader) -> &'static [FixedField] {
    const PRIORITY: &[FixedField] = &[(4, "dependency", number_of_31_bits), (1, "weight", opaque)];
    match header.kind {
        kind::HEADERS if header.has(flag::PRIORITY) => PRIORITY,
        kind::PRIORITY => PRIORITY,
        kind::RST_STREAM => &[(4, "error code", error_name)],
        kind::PUSH_PROMISE => &[(4, "promised stream", number_of_31_bits)],
        kind::PING => &[(8, "opaque data", opaque)],
        kind::GOAWAY => &[(4, "last stream", number_of_31_bits), (4, "error code", error_name)],
        kind::WINDOW_UPDATE => &[(4, "increment", number_of_31_bits)],
        _ => &[],
    }
}

/// A number whose highest bit is reserved.
fn number_of_31_bits(number: u32) -> String {
    (number & 0x7fff_ffff).to_string()
}

fn opaque(_number: u32) -> String {
    String::new()
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
