//! Follows the length-prefixed messages of a stream from one DATA frame to the next.
//!
//! While recording and not when the recording is read: frames may have been dropped by then, and
//! without them the start of the next message is unknown.

use crate::capture::recorder::event::{KEPT, RecordedFrame, RecordedMessage, UnfinishedMessage};
use crate::capture::trace::Bytes;

/// How many messages of a frame are kept.
const MESSAGES: usize = 64;

/// The length of a message's prefix.
const PREFIX: usize = 5;

/// The state between two reads: the message whose end has not arrived.
#[derive(Debug, Default)]
pub(super) struct MessageParser {
    prefix: Vec<u8>,
    bytes: Bytes,
    /// Where the message starts in the current frame, if it does.
    start: Option<usize>,
}

impl MessageParser {
    /// Parses `data`, which is at `offset` of the payload of `frame`, and adds the messages that end
    /// in it to the frame.
    pub(super) fn parse(&mut self, mut data: &[u8], mut offset: usize, frame: &mut RecordedFrame) {
        while !data.is_empty() {
            if self.prefix.is_empty() {
                self.start = Some(offset);
            }
            let before = data.len();
            fill(&mut self.prefix, PREFIX, &mut data);
            let (bytes, rest) = data.split_at(self.missing().min(data.len()));
            self.bytes.extend(bytes, KEPT);
            data = rest;
            offset += before - data.len();
            if let Some((flag, length)) = self.flag_and_length()
                && length == self.bytes.length
            {
                self.finish_message(flag, offset, frame);
            }
        }
    }

    /// Returns the message that goes on in the next frame.
    pub(super) fn finish_frame(&mut self) -> Option<UnfinishedMessage> {
        let starts_here = self.start.take().is_some();
        let (prefix, received) = (self.flag_and_length(), self.bytes.length);
        (!self.prefix.is_empty()).then_some(UnfinishedMessage { prefix, starts_here, received })
    }

    fn flag_and_length(&self) -> Option<(u8, usize)> {
        let [flag, length @ ..] = <[u8; PREFIX]>::try_from(&self.prefix[..]).ok()?;
        Some((flag, u32::from_be_bytes(length) as usize))
    }

    fn missing(&self) -> usize {
        self.flag_and_length().map_or(0, |(_, length)| length - self.bytes.length)
    }

    fn finish_message(&mut self, flag: u8, end: usize, frame: &mut RecordedFrame) {
        self.prefix.clear();
        let (bytes, start) = (std::mem::take(&mut self.bytes), self.start.take());
        if frame.messages.len() < MESSAGES {
            frame.messages.push(RecordedMessage { flag, start, end, bytes });
        } else {
            *frame.more_messages.entry(flag).or_default() += 1;
        }
    }
}

/// Moves bytes from the start of `input` to `buffer` until that has `size`.
pub(super) fn fill(buffer: &mut Vec<u8>, size: usize, input: &mut &[u8]) {
    let (bytes, rest) = input.split_at(size.saturating_sub(buffer.len()).min(input.len()));
    buffer.extend(bytes);
    *input = rest;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses `payloads` as the payloads of consecutive frames.
    fn parse(payloads: &[&[u8]]) -> Vec<RecordedFrame> {
        let mut parser = MessageParser::default();
        let parse_frame = |payload: &&[u8]| {
            let mut frame = RecordedFrame::default();
            parser.parse(payload, 0, &mut frame);
            frame.unfinished = parser.finish_frame();
            frame
        };
        payloads.iter().map(parse_frame).collect()
    }

    #[test]
    fn messages_end_where_their_length_says() {
        let frames = parse(&[b"\0\0\0\0\x02ab\x01\0\0\0\0\0\0\0\0\x03xy", b"z\0\0", b"\0\0\x01q"]);
        let messages = |frame: &RecordedFrame| -> Vec<_> {
            let messages = frame.messages.iter();
            messages.map(|m| (m.flag, m.start, m.end, m.bytes.kept.clone())).collect()
        };
        assert_eq!(
            messages(&frames[0]),
            [(0, Some(0), 7, b"ab".to_vec()), (1, Some(7), 12, Vec::new())]
        );
        let unfinished = |frame: &RecordedFrame| {
            frame.unfinished.as_ref().map(|u| (u.prefix, u.starts_here, u.received))
        };
        assert_eq!(unfinished(&frames[0]), Some((Some((0, 3)), true, 2)));
        assert_eq!(messages(&frames[1]), [(0, None, 1, b"xyz".to_vec())]);
        assert_eq!(unfinished(&frames[1]), Some((None, true, 0)));
        assert_eq!(messages(&frames[2]), [(0, None, 4, b"q".to_vec())]);
        assert_eq!(unfinished(&frames[2]), None);
    }

    #[test]
    fn messages_past_the_limit_are_counted_by_flag() {
        let payload = [[0, 0, 0, 0, 0].repeat(100), [1, 0, 0, 0, 0].repeat(10)].concat();
        let frames = parse(&[&payload]);
        assert_eq!(frames[0].messages.len(), MESSAGES);
        let more: Vec<_> = frames[0].more_messages.iter().collect();
        assert_eq!(more, [(&0, &(100 - MESSAGES)), (&1, &10)]);
    }

    #[test]
    fn the_bytes_of_a_long_message_are_truncated() {
        let frames = parse(&[&[&[0, 0, 0, 8, 0][..], &[7; 2048]].concat()]);
        let [RecordedMessage { bytes, .. }] = &frames[0].messages[..] else { panic!("a message") };
        assert_eq!((bytes.kept.len(), bytes.length), (KEPT, 2048));
    }
}
