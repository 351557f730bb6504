//! The messages of a stream, followed from one DATA frame to the next.
//!
//! Followed at once and not when the trace is read: frames may have been left out by then, and without
//! them nobody knows where a message begins.

use crate::capture::recorder::event::{Begun, KEPT, Kept, RawFrame, RawMessage};

/// How many messages are kept of a frame.
const MESSAGES: usize = 64;

const PREFIX: usize = 5;

/// What has come of a message that has not ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    prefix: Vec<u8>,
    bytes: Kept,
    /// Where it begins in the frame that is looked at, if it does.
    start: Option<usize>,
}

impl Body {
    /// Takes `data`, which stands at `offset` of the payload of `frame`; the messages that end in it
    /// are added to the frame.
    pub(crate) fn take(&mut self, mut data: &[u8], mut offset: usize, frame: &mut RawFrame) {
        while !data.is_empty() {
            if self.prefix.is_empty() {
                self.start = Some(offset);
            }
            let here = if self.prefix.len() < PREFIX {
                let here = (PREFIX - self.prefix.len()).min(data.len());
                self.prefix.extend(&data[..here]);
                here
            } else {
                let here = self.missing().min(data.len());
                self.bytes.add(&data[..here], KEPT);
                here
            };
            data = &data[here..];
            offset += here;
            if self.prefix.len() == PREFIX && self.missing() == 0 {
                self.end(offset, frame);
            }
        }
    }

    /// What is left of a message at the end of a frame.
    pub(crate) fn begun(&mut self) -> Option<Begun> {
        self.start = None;
        let came = if self.prefix.len() < PREFIX { self.prefix.len() } else { self.bytes.length };
        (!self.prefix.is_empty()).then(|| Begun { prefix: self.stated(), came })
    }

    fn stated(&self) -> Option<(u8, usize)> {
        match self.prefix[..] {
            [flag, a, b, c, d] => Some((flag, u32::from_be_bytes([a, b, c, d]) as usize)),
            _ => None,
        }
    }

    fn missing(&self) -> usize {
        self.stated().map_or(0, |(_, length)| length.saturating_sub(self.bytes.length))
    }

    fn end(&mut self, end: usize, frame: &mut RawFrame) {
        let flag = self.prefix.first().copied().unwrap_or_default();
        self.prefix.clear();
        let (bytes, start) = (std::mem::take(&mut self.bytes), self.start.take());
        if frame.messages.len() < MESSAGES {
            frame.messages.push(RawMessage { flag, start, end, bytes });
        } else {
            frame.more_messages += 1;
        }
    }
}
