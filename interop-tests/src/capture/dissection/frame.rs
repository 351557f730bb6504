//! What each byte of a frame is, by RFC 9113.
//!
//! The ranges have no gap, so that a report can colour every byte.

use std::ops::Range;

use crate::capture::dissection::trace::Part;
use crate::capture::recorder::event::{HEADER, RawFrame};
use crate::http2::frame::{error_name, flag, kind, kind_name};
use crate::http2::text::shown;

const PUSH_PROMISE: u8 = 5;

/// The names of the flags that are set.
pub(crate) fn flags(frame: &RawFrame) -> Vec<String> {
    let known: &[(u8, &str)] = match frame.kind() {
        kind::DATA => &[(flag::END_STREAM, "END_STREAM"), (flag::PADDED, "PADDED")],
        kind::HEADERS => &[
            (flag::END_STREAM, "END_STREAM"),
            (flag::END_HEADERS, "END_HEADERS"),
            (flag::PADDED, "PADDED"),
            (flag::PRIORITY, "PRIORITY"),
        ],
        kind::SETTINGS | kind::PING => &[(flag::ACK, "ACK")],
        PUSH_PROMISE => &[(flag::END_HEADERS, "END_HEADERS"), (flag::PADDED, "PADDED")],
        kind::CONTINUATION => &[(flag::END_HEADERS, "END_HEADERS")],
        _ => &[],
    };
    let mut names = Vec::new();
    let mut unknown = frame.flags();
    for (bit, name) in known.iter().filter(|(bit, _)| frame.flags() & bit != 0) {
        unknown &= !bit;
        names.push((*name).to_owned());
    }
    names.extend((unknown != 0).then(|| format!("{unknown:#04x}")));
    names
}

/// What the bytes of the header and of the payload are.
pub(crate) fn parts(frame: &RawFrame) -> Vec<Part> {
    let mut parts = Parts { frame, at: HEADER, list: Vec::new() };
    parts.header();
    if frame.header.len() == HEADER {
        parts.payload();
    }
    parts.list
}

struct Parts<'a> {
    frame: &'a RawFrame,
    /// Where the next part begins.
    at: usize,
    list: Vec<Part>,
}

impl Parts<'_> {
    fn header(&mut self) {
        let frame = self.frame;
        let reserved = frame.header.get(5).is_some_and(|byte| byte & 0x80 != 0);
        let stream =
            format!("{}{}", frame.stream(), if reserved { ", reserved bit set" } else { "" });
        let flags = match flags(frame).join(" | ") {
            none if none.is_empty() => "none".to_owned(),
            some => some,
        };
        for (range, name, value) in [
            (0..3, "length", frame.length().to_string()),
            (3..4, "type", kind_name(frame.kind())),
            (4..5, "flags", flags),
            (5..HEADER, "stream", stream),
        ] {
            let has_all = frame.header.len() >= range.end;
            let end = range.end.min(frame.header.len());
            if range.start < end {
                let value = if has_all { value } else { "cut off".to_owned() };
                self.list.push(Part { start: range.start, end, name: name.to_owned(), value });
            }
        }
    }

    fn payload(&mut self) {
        let content_end = self.content_end();
        match self.frame.kind() {
            kind::DATA => self.messages(content_end),
            kind::HEADERS | kind::CONTINUATION => {
                if self.frame.kind() == kind::HEADERS && self.frame.flags() & flag::PRIORITY != 0 {
                    self.number(4, "dependency", |number| (number & 0x7fff_ffff).to_string());
                    self.next(1, "weight", String::new());
                }
                self.until(content_end, "header block", String::new());
            }
            kind::PRIORITY => {
                self.number(4, "dependency", |number| (number & 0x7fff_ffff).to_string());
                self.next(1, "weight", String::new());
            }
            kind::RST_STREAM => self.number(4, "error code", error_name),
            kind::SETTINGS => {
                while self.left() >= 6 {
                    self.number(2, "identifier", setting_name);
                    self.number(4, "value", |number| number.to_string());
                }
            }
            PUSH_PROMISE => {
                self.number(4, "promised stream", |number| (number & 0x7fff_ffff).to_string());
                self.until(content_end, "header block", String::new());
            }
            kind::PING => self.next(8, "opaque data", String::new()),
            kind::GOAWAY => {
                self.number(4, "last stream", |number| (number & 0x7fff_ffff).to_string());
                self.number(4, "error code", error_name);
                let debug = self.frame.payload.bytes.get(8..).map(shown);
                self.until(self.end(), "debug data", debug.unwrap_or_default());
            }
            kind::WINDOW_UPDATE => {
                self.number(4, "increment", |number| (number & 0x7fff_ffff).to_string());
            }
            _ => {}
        }
        let rest = match self.frame.kind() {
            kind::DATA | kind::HEADERS | PUSH_PROMISE if self.at >= content_end => "padding",
            0..=9 => "bytes that do not belong here",
            _ => "payload",
        };
        self.until(self.end(), rest, String::new());
    }

    /// Where the content ends that may be padded, after the length of the padding.
    fn content_end(&mut self) -> usize {
        let frame = self.frame;
        let may_be_padded = matches!(frame.kind(), kind::DATA | kind::HEADERS | PUSH_PROMISE);
        let padding = frame.payload.bytes.first().filter(|_| may_be_padded);
        let Some(padding) = padding.filter(|_| frame.flags() & flag::PADDED != 0) else {
            return self.end();
        };
        self.next(1, "pad length", padding.to_string());
        let content = frame.length().saturating_sub(usize::from(*padding));
        (HEADER + content).clamp(self.at, self.end().max(self.at))
    }

    fn messages(&mut self, content_end: usize) {
        let frame = self.frame;
        for message in &frame.messages {
            let end = HEADER + message.end;
            if message.start.is_some() {
                self.next(1, "compressed flag", message.flag.to_string());
                self.next(4, "message length", message.bytes.length.to_string());
                self.until(end, "message", String::new());
            } else {
                self.until(end, "rest of a message", format!("{} bytes", message.bytes.length));
            }
        }
        if frame.more_messages > 0 {
            let value = format!("{} more", frame.more_messages);
            return self.until(content_end, "messages", value);
        }
        let Some(begun) = &frame.begun else { return };
        let begins_here = begun.prefix.is_none_or(|_| self.at + 5 + begun.came == content_end);
        match begun.prefix {
            None => self.until(content_end, "part of a message's prefix", String::new()),
            Some((flag, length)) => {
                if begins_here {
                    self.next(1, "compressed flag", flag.to_string());
                    self.next(4, "message length", length.to_string());
                }
                let value = format!("{} of {length} bytes so far", begun.came);
                self.until(content_end, "part of a message", value);
            }
        }
    }

    /// Where the payload ends that is there.
    fn end(&self) -> usize {
        HEADER + self.frame.payload.length
    }

    fn left(&self) -> usize {
        self.end().saturating_sub(self.at)
    }

    /// A part of `size` bytes, or of as many as there are.
    fn next(&mut self, size: usize, name: &str, value: String) {
        self.until(self.at + size, name, value);
    }

    fn until(&mut self, end: usize, name: &str, value: String) {
        let end = end.min(self.end());
        if end > self.at {
            self.list.push(Part { start: self.at, end, name: name.to_owned(), value });
            self.at = end;
        }
    }

    /// A part that is a number of `size` bytes.
    fn number(&mut self, size: usize, name: &str, shown: impl Fn(u32) -> String) {
        let Range { start, end } = self.at - HEADER..self.at - HEADER + size;
        let value = match self.frame.payload.bytes.get(start..end) {
            Some(bytes) => {
                shown(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
            }
            None if self.frame.payload.length < end => "cut off".to_owned(),
            None => "not kept".to_owned(),
        };
        self.next(size, name, value);
    }
}

/// A parameter of SETTINGS, also those that only gRPC's own libraries send.
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
