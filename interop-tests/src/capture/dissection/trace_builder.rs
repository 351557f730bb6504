//! Builds the trace of a recording.
//!
//! HPACK makes a header block depend on those before it, so they are decoded in order, including those
//! of frames that are not in the trace.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::capture::dissection::frame;
use crate::capture::dissection::protobuf;
use crate::capture::recorder::event::{
    KEPT, RecordedEvent, RecordedFrame, RecordedKind, RecordedMessage,
};
use crate::capture::recorder::{Recorder, Recording};
use crate::capture::trace::{
    Event, EventKind, Field, Frame, HeaderBlock, LeftOut, Message, Sender, Trace,
};
use crate::http2;
use crate::http2::frame::{FrameHeader, flag, kind_name};
use crate::http2::header_block::BlockReader;
use crate::http2::text::shown;

/// How many fields of a header block are in the trace.
const FIELDS: usize = 100;

const ENCRYPTED: &str = "the connection is encrypted, and only its two ends have the keys: of what \
                         goes over it no more can be told than how long each TLS record is";

impl Trace {
    /// The trace of what `recorder` has recorded so far.
    pub(crate) fn of(recorder: &Recorder) -> Self {
        let recording = &*recorder.lock();
        let kept = &recording.events;
        let start = kept.first.first().map(|event| event.time);
        let mut builder = TraceBuilder { recording, start, header_blocks: BTreeMap::new() };
        let mut events: Vec<_> = kept.first.iter().map(|event| builder.event(event)).collect();
        let left_out = LeftOut { after: events.len(), events: kept.dropped };
        for event in &kept.header_blocks {
            builder.event(event);
        }
        events.extend(kept.last.iter().map(|event| builder.event(event)));
        let mut notes = recording.notes.clone();
        if events.iter().any(|event| matches!(event.what, EventKind::TlsRecord(_))) {
            notes.push(ENCRYPTED.to_owned());
        }
        if notes.is_empty() && events.is_empty() {
            notes.push("nobody has connected".to_owned());
        }
        Self { notes, events, left_out: (left_out.events > 0).then_some(left_out) }
    }
}

struct TraceBuilder<'a> {
    recording: &'a Recording,
    start: Option<Instant>,
    /// The state of HPACK in each direction of each connection.
    header_blocks: BTreeMap<(usize, Sender), HeaderBlocks>,
}

struct HeaderBlocks {
    reader: BlockReader,
    /// Whether one could not be decoded, so that later ones cannot be either.
    is_broken: bool,
}

impl TraceBuilder<'_> {
    fn event(&mut self, event: &RecordedEvent) -> Event {
        let since = self.start.map(|start| event.time.saturating_duration_since(start));
        let what = match &event.kind {
            RecordedKind::Frame(frame) if frame.is_whole() => {
                let block = self.header_block((event.connection, event.sender), frame);
                EventKind::Frame(Frame { block, ..without_header_block(frame) })
            }
            RecordedKind::Frame(frame) => EventKind::CutOff(without_header_block(frame)),
            RecordedKind::Other(kind) => kind.clone(),
        };
        let ms = since.map_or(0.0, |since| since.as_secs_f64() * 1000.0);
        Event { ms, connection: event.connection, from: event.sender, what }
    }

    /// The header block that ends with `frame`.
    fn header_block(
        &mut self,
        direction: (usize, Sender),
        frame: &RecordedFrame,
    ) -> Option<HeaderBlock> {
        if !frame.carries_header_block() {
            return None;
        }
        let header = frame.header();
        let new = || HeaderBlocks { reader: BlockReader::new(), is_broken: false };
        let blocks = self.header_blocks.entry(direction).or_insert_with(new);
        blocks.is_broken |= frame.payload.left_out > 0;
        let payload = frame.payload.kept.clone();
        let frame = http2::frame::Frame::new(header.kind, header.flags, header.stream, payload);
        let Some(block) = blocks.reader.take(frame) else {
            let error = "its padding is longer than the frame, or no HEADERS came before it";
            return header.has(flag::END_HEADERS).then(|| undecoded(error));
        };
        let is_incomplete = self.recording.events.without_header_blocks.contains(&direction);
        if blocks.is_broken || is_incomplete {
            return Some(undecoded("a header block before it, or a part of it, is not kept"));
        }
        match block.fields {
            Ok(fields) => {
                let more_fields = fields.len().saturating_sub(FIELDS);
                let fields = fields.iter().take(FIELDS);
                let fields =
                    fields.map(|(name, value)| Field { name: shown(name), value: shown(value) });
                Some(HeaderBlock { fields: fields.collect(), more_fields, error: None })
            }
            Err(error) => {
                blocks.is_broken = true;
                Some(undecoded(&error))
            }
        }
    }
}

fn undecoded(error: &str) -> HeaderBlock {
    HeaderBlock { error: Some(error.to_owned()), ..HeaderBlock::default() }
}

fn without_header_block(recorded: &RecordedFrame) -> Frame {
    let header = recorded.header();
    Frame {
        name: kind_name(header.kind),
        flags: frame::flags(header),
        stream: header.stream,
        header: recorded.header_bytes[..recorded.header_length].to_vec(),
        payload: recorded.payload.truncated(KEPT),
        parts: frame::parts(recorded),
        block: None,
        messages: recorded.messages.iter().map(message).collect(),
        more_messages: recorded.more_messages.values().sum(),
    }
}

fn message(recorded: &RecordedMessage) -> Message {
    let flag = recorded.flag;
    let (fields, unread) = match flag {
        0 => {
            let (fields, error) = protobuf::read(&recorded.bytes.kept);
            let truncated = recorded.bytes.left_out > 0;
            (
                fields,
                if truncated { Some(format!("only {KEPT} of its bytes are kept")) } else { error },
            )
        }
        1 => (Vec::new(), Some("it is compressed".to_owned())),
        _ => (Vec::new(), Some(format!("{flag} is no compressed flag"))),
    };
    let start = recorded.start.map(|start| FrameHeader::SIZE + start);
    Message { flag, start, bytes: recorded.bytes.clone(), fields, unread }
}
