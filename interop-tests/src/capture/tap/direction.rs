//! The frames of one direction of a connection, as the bytes come in.
//!
//! A read can end anywhere, so what is not a whole frame yet is kept, and the prefixes of messages are
//! followed from one DATA frame to the next.

use std::collections::BTreeMap;

use crate::capture::recorder::Sender;
use crate::capture::recorder::WireStats;
use crate::http2::frame::PREFACE;
use crate::http2::frame::{Frame, FrameHeader, flag, kind, split_frame};
use crate::http2::header_block::{Block, BlockReader};

/// See the module.
pub(crate) struct Direction {
    from: Sender,
    connection: usize,
    pending: Vec<u8>,
    /// Bytes that are not frames yet: the preface of a client.
    preface: usize,
    assembly: BlockReader,
    bodies: BTreeMap<u32, Body>,
}

/// How far the messages of a stream have come.
#[derive(Default)]
struct Body {
    prefix: Vec<u8>,
    /// Bytes of the message that have yet to come.
    missing: usize,
}

impl Direction {
    pub(crate) fn new(from: Sender, connection: usize) -> Self {
        Self {
            from,
            connection,
            pending: Vec::new(),
            preface: if from == Sender::Client { PREFACE.len() } else { 0 },
            assembly: BlockReader::new(),
            bodies: BTreeMap::new(),
        }
    }

    /// Takes the next bytes and tells `sight` what they say.
    pub(crate) fn take(&mut self, bytes: &[u8], sight: &mut WireStats) {
        let preface = self.preface.min(bytes.len());
        self.preface -= preface;
        self.pending.extend(&bytes[preface..]);
        let mut rest = &self.pending[..];
        let mut frames = Vec::new();
        while let Some((FrameHeader { kind, flags, stream, .. }, payload, after)) =
            split_frame(rest)
        {
            frames.push(Frame::new(kind, flags, stream, payload));
            rest = after;
        }
        let done = self.pending.len() - rest.len();
        self.pending.drain(..done);
        for frame in frames {
            self.frame(frame, sight);
        }
    }

    /// Nothing comes any more.
    pub(crate) fn finish(&self, sight: &mut WireStats) {
        if self.from == Sender::Client {
            sight.client_ends(self.connection);
        }
    }

    fn frame(&mut self, frame: Frame, sight: &mut WireStats) {
        let (stream, ends) = (frame.stream, frame.has(flag::END_STREAM));
        match frame.kind {
            kind::DATA => {
                self.data(&frame, sight);
                if ends {
                    self.end(stream, sight);
                }
            }
            kind::HEADERS | kind::CONTINUATION => {
                if let Some(block) = self.assembly.take(frame) {
                    self.block(&block, sight);
                }
            }
            kind::RST_STREAM => {
                if self.from == Sender::Client {
                    sight.client_resets += 1;
                }
                sight.close(self.connection, stream);
            }
            kind::PING if self.from == Sender::Client && !frame.has(flag::ACK) => sight.pings += 1,
            kind::GOAWAY if self.from == Sender::Server => sight.goaway(self.connection),
            kind::GOAWAY => sight.client_ends(self.connection),
            _ => {}
        }
    }

    fn block(&mut self, block: &Block, sight: &mut WireStats) {
        let fields = match &block.fields {
            Ok(fields) => fields,
            Err(why) => return sight.fault(format!("a header block cannot be read: {why}")),
        };
        let value = |name: &str| {
            let field = fields.iter().find(|(key, _)| key == name.as_bytes());
            field.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let begins = match self.from {
            Sender::Client => value(":path").is_some(),
            Sender::Server => value(":status").is_some(),
        };
        if begins && self.from == Sender::Client {
            sight.open(self.connection, block.stream);
        }
        // An answer that is only trailers has no messages and says nothing about their encoding.
        if begins && value("grpc-status").is_none() {
            let encoding = value("grpc-encoding").unwrap_or_else(|| "identity".to_owned());
            sight.side(self.from == Sender::Client).encoding(encoding);
        }
        if block.end_stream {
            self.end(block.stream, sight);
        }
    }

    fn data(&mut self, frame: &Frame, sight: &mut WireStats) {
        const PREFIX: usize = 5;
        let Some(mut data) = frame.content() else {
            return sight.fault("the padding of a DATA frame is longer than the frame".to_owned());
        };
        let body = self.bodies.entry(frame.stream).or_default();
        while !data.is_empty() {
            if body.missing > 0 {
                let here = body.missing.min(data.len());
                body.missing -= here;
                data = &data[here..];
                continue;
            }
            let here = (PREFIX - body.prefix.len()).min(data.len());
            body.prefix.extend(&data[..here]);
            data = &data[here..];
            if let [flag, a, b, c, d] = body.prefix[..] {
                body.missing = u32::from_be_bytes([a, b, c, d]) as usize;
                body.prefix.clear();
                sight.side(self.from == Sender::Client).message(flag);
            }
        }
    }

    fn end(&mut self, stream: u32, sight: &mut WireStats) {
        self.bodies.remove(&stream);
        if self.from == Sender::Server {
            sight.close(self.connection, stream);
        }
    }
}
