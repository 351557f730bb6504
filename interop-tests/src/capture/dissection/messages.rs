//! Follows the length-prefixed messages of a stream from one DATA frame to the next.
//!
//! A message may start and end anywhere in a frame, so the state is kept between frames, even for frames that the
//! trace omits. Fields are read without the schema, because with it an incorrect message could be shown as if it were
//! correct.

use std::collections::BTreeMap;

use grpc_interop_protocol::hex;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::capture::trace::{Bytes, KEPT, Message, Part, ProtobufField};
use crate::http2::value::shown;

/// How many messages of a frame are kept.
const MESSAGES: usize = 64;

/// The length of a message's prefix.
pub(crate) const PREFIX: usize = 5;

/// The message of a stream whose end has not arrived.
#[derive(Debug, Default)]
pub(crate) struct MessageParser {
    prefix: Vec<u8>,
    bytes: Bytes,
    /// Where the message starts in the current frame, if it does.
    start: Option<usize>,
}

/// The messages in a DATA frame. Positions are counted from the first byte of the frame's header.
#[derive(Debug, Default)]
pub(crate) struct MessagesOfFrame {
    /// The first messages that end in the frame, without their fields.
    pub(crate) messages: Vec<Message>,
    /// How many messages with each compressed flag end in it.
    pub(crate) flags: BTreeMap<u8, usize>,
    /// What the content consists of: where each part ends, its name and its value.
    pub(crate) parts: Vec<(usize, &'static str, String)>,
}

impl MessageParser {
    /// Parses `data`, which is at position `at` of `frame`.
    pub(crate) fn parse(&mut self, mut data: &[u8], mut at: usize, frame: &mut MessagesOfFrame) {
        while !data.is_empty() {
            if self.prefix.is_empty() {
                self.start = Some(at);
            }
            let before = data.len();
            fill(&mut self.prefix, PREFIX, &mut data);
            if let Some((flag, length)) = self.flag_and_length() {
                let missing = length - self.bytes.length;
                let bytes = data.split_off(..missing.min(data.len())).unwrap_or_default();
                self.bytes.extend(bytes, KEPT);
                if bytes.len() == missing {
                    let end = at + before - data.len();
                    self.finish_message(flag, length, end, frame);
                }
            }
            at += before - data.len();
        }
    }

    fn finish_message(&mut self, flag: u8, length: usize, end: usize, frame: &mut MessagesOfFrame) {
        self.prefix.clear();
        let (bytes, start) = (std::mem::take(&mut self.bytes), self.start.take());
        *frame.flags.entry(flag).or_default() += 1;
        if frame.messages.len() == MESSAGES {
            return;
        }
        if let Some(start) = start {
            frame.add_prefix(start, flag, length);
            frame.parts.push((end, "message", String::new()));
        } else {
            frame.parts.push((end, "rest of a message", format!("{length} bytes")));
        }
        frame.messages.push(Message { flag, start, bytes, fields: Vec::new(), unread: None });
    }

    /// Ends the frame, whose content ends at `end`; a message may continue after it.
    pub(crate) fn finish_frame(&mut self, end: usize, frame: &mut MessagesOfFrame) {
        let start = self.start.take();
        if frame.more_messages() > 0 {
            frame.parts.push((end, "messages", format!("{} more", frame.more_messages())));
        } else if let Some((flag, length)) = self.flag_and_length() {
            if let Some(start) = start {
                frame.add_prefix(start, flag, length);
            }
            let value = format!("{} of {length} bytes so far", self.bytes.length);
            frame.parts.push((end, "part of a message", value));
        } else if !self.prefix.is_empty() {
            frame.parts.push((end, "part of a message's prefix", String::new()));
        }
    }

    fn flag_and_length(&self) -> Option<(u8, usize)> {
        let [flag, length @ ..] = <[u8; PREFIX]>::try_from(&self.prefix[..]).ok()?;
        Some((flag, u32::from_be_bytes(length) as usize))
    }
}

impl MessagesOfFrame {
    /// How many messages are not in `messages`.
    pub(crate) fn more_messages(&self) -> usize {
        self.flags.values().sum::<usize>() - self.messages.len()
    }

    /// The messages with their fields.
    pub(crate) fn with_fields(self) -> Vec<Message> {
        let with_fields = |message: Message| {
            let (fields, unread) = match message.flag {
                0 => read(&message.bytes.kept),
                1 => (Vec::new(), Some("it is compressed".to_owned())),
                flag => (Vec::new(), Some(format!("{flag} is not a valid compressed flag"))),
            };
            let is_truncated = message.flag == 0 && message.bytes.left_out > 0;
            let truncated = is_truncated.then(|| format!("only {KEPT} of its bytes are kept"));
            Message { fields, unread: truncated.or(unread), ..message }
        };
        self.messages.into_iter().map(with_fields).collect()
    }

    fn add_prefix(&mut self, start: usize, flag: u8, length: usize) {
        self.parts.push((start + 1, "compressed flag", flag.to_string()));
        self.parts.push((start + PREFIX, "message length", length.to_string()));
    }
}

/// Moves bytes from the start of `input` to `buffer` until that has `size`.
pub(crate) fn fill(buffer: &mut Vec<u8>, size: usize, input: &mut &[u8]) {
    let missing = size.saturating_sub(buffer.len());
    buffer.extend(input.split_off(..missing.min(input.len())).unwrap_or_default());
}

/// How many fields are read.
const FIELDS: usize = 100;

/// How many bytes of a value are shown in hex.
const SHOWN: usize = 64;

/// Reads the fields of `message`. If bytes are left, also returns the reason.
pub(crate) fn read(message: &[u8]) -> (Vec<ProtobufField>, Option<String>) {
    let mut fields = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let start = message.len() - rest.len();
        if fields.len() == FIELDS {
            return (fields, Some(format!("more fields follow, from byte {start} on")));
        }
        match field(message, &mut rest) {
            Ok(field) => fields.push(field),
            Err(why) => {
                return (fields, Some(format!("not protobuf from byte {start} on: {why}")));
            }
        }
    }
    (fields, None)
}

/// The parts of a message of `length` bytes: its fields, and the rest, which is not read for the reason
/// `unread`.
pub(crate) fn parts(fields: &[ProtobufField], length: usize, unread: Option<&str>) -> Vec<Part> {
    let part = |start, end, name: &str, value: &str| {
        let (name, value) = (name.to_owned(), value.to_owned());
        Part { start, end, name, value }
    };
    let mut parts = Vec::new();
    for field in fields {
        let ProtobufField { number, wire_type, value, start, value_start, end } = field;
        parts.push(part(*start, *value_start, &format!("field {number}"), wire_type));
        if end > value_start {
            parts.push(part(*value_start, *end, "value", value));
        }
    }
    let read = fields.last().map_or(0, |field| field.end);
    if read < length || unread.is_some() {
        let name = if read == 0 { "message" } else { "rest" };
        parts.push(part(read, length, name, unread.unwrap_or_default()));
    }
    parts
}

/// Reads the next field of `message`, of which `rest` is left.
fn field(message: &[u8], rest: &mut &[u8]) -> Result<ProtobufField, String> {
    let start = message.len() - rest.len();
    let (number, wire_type) = decode_key(rest).map_err(|error| error.to_string())?;
    let value_start = message.len() - rest.len();
    let (wire_type, value) = match wire_type {
        WireType::Varint => {
            let value = decode_varint(rest).map_err(|error| error.to_string())?;
            ("varint", value.to_string())
        }
        WireType::SixtyFourBit => {
            let bits = u64::from_le_bytes(fixed(rest)?);
            ("fixed64", format!("{:?} ({bits:#018x})", f64::from_bits(bits)))
        }
        WireType::ThirtyTwoBit => {
            let bits = u32::from_le_bytes(fixed(rest)?);
            ("fixed32", format!("{:?} ({bits:#010x})", f32::from_bits(bits)))
        }
        WireType::LengthDelimited => {
            let length = decode_varint(rest).map_err(|error| error.to_string())?;
            let bytes = usize::try_from(length).ok().and_then(|length| rest.split_off(..length));
            let missing = || format!("{length} bytes should follow, but only {} do", rest.len());
            let bytes = bytes.ok_or_else(missing)?;
            ("length-delimited", text_or_hex(bytes))
        }
        WireType::StartGroup => ("group", "begins".to_owned()),
        WireType::EndGroup => ("group", "ends".to_owned()),
    };
    let (wire_type, end) = (wire_type.to_owned(), message.len() - rest.len());
    Ok(ProtobufField { number, wire_type, value, start, value_start, end })
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], String> {
    let Some((bytes, behind)) = rest.split_first_chunk::<N>() else {
        return Err(format!("{N} bytes should follow, but only {} do", rest.len()));
    };
    *rest = behind;
    Ok(*bytes)
}

fn text_or_hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "empty".to_owned();
    }
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("\"{}\"", shown(bytes));
    }
    match bytes.get(..SHOWN).filter(|_| bytes.len() > SHOWN) {
        Some(first) => format!("{}… ({} bytes)", hex::encode(first), bytes.len()),
        None => hex::encode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses `payloads` as the payloads of consecutive frames.
    fn parse(payloads: &[&[u8]]) -> Vec<MessagesOfFrame> {
        let mut parser = MessageParser::default();
        let parse_frame = |payload: &&[u8]| {
            let mut frame = MessagesOfFrame::default();
            parser.parse(payload, 0, &mut frame);
            parser.finish_frame(payload.len(), &mut frame);
            frame
        };
        payloads.iter().map(parse_frame).collect()
    }

    #[test]
    fn messages_end_according_to_their_length() {
        let frames = parse(&[b"\0\0\0\0\x02ab\x01\0\0\0\0\0\0\0\0\x03xy", b"z\0\0", b"\0\0\x01q"]);
        let messages = |frame: &MessagesOfFrame| -> Vec<_> {
            let messages = frame.messages.iter();
            messages.map(|m| (m.flag, m.start, m.bytes.kept.clone())).collect()
        };
        let parts = |frame: &MessagesOfFrame| -> Vec<_> {
            frame.parts.iter().map(|(end, name, _)| (*end, *name)).collect()
        };
        let [first, second, third] = &frames[..] else { panic!("three frames") };
        assert_eq!(messages(first), [(0, Some(0), b"ab".to_vec()), (1, Some(7), Vec::new())]);
        assert_eq!(
            parts(first)[3..6],
            [(8, "compressed flag"), (12, "message length"), (12, "message")]
        );
        assert_eq!(
            first.parts.last(),
            Some(&(19, "part of a message", "2 of 3 bytes so far".to_owned()))
        );
        assert_eq!(messages(second), [(0, None, b"xyz".to_vec())]);
        assert_eq!(parts(second), [(1, "rest of a message"), (3, "part of a message's prefix")]);
        assert_eq!(messages(third), [(0, None, b"q".to_vec())]);
        assert_eq!(parts(third), [(4, "rest of a message")]);
    }

    #[test]
    fn messages_past_the_limit_are_counted_by_flag() {
        let payload = [[0, 0, 0, 0, 0].repeat(100), [1, 0, 0, 0, 0].repeat(10)].concat();
        let frame = &parse(&[&payload])[0];
        assert_eq!((frame.messages.len(), frame.more_messages()), (MESSAGES, 110 - MESSAGES));
        assert_eq!(frame.flags, BTreeMap::from([(0, 100), (1, 10)]));
        let more = format!("{} more", 110 - MESSAGES);
        assert_eq!(frame.parts.last(), Some(&(payload.len(), "messages", more)));
    }

    #[test]
    fn the_bytes_of_a_long_message_are_truncated() {
        let frame = &parse(&[&[&[0, 0, 0, 8, 0][..], &[7; 2048]].concat()])[0];
        let [Message { bytes, .. }] = &frame.messages[..] else { panic!("a message") };
        assert_eq!((bytes.kept.len(), bytes.length), (KEPT, 2048));
    }
}
