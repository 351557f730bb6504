//! Builds the trace of a recording.

use std::time::Instant;

use crate::capture::dissection::frame;
use crate::capture::dissection::protobuf;
use crate::capture::recorder::Recording;
use crate::capture::recorder::event::{
    KEPT, RecordedEvent, RecordedFrame, RecordedKind, RecordedMessage,
};
use crate::capture::recorder::header_blocks::{Decoded, HeaderBlocks};
use crate::capture::trace::{Event, EventKind, Field, Frame, HeaderBlock, LeftOut, Message, Trace};
use crate::http2::frame::{FrameHeader, kind_name};
use crate::http2::text::shown;

/// How many fields of a header block are in the trace.
const FIELDS: usize = 100;

const ENCRYPTED: &str = "the connection is encrypted, and only its two ends have the keys: of what \
                         goes over it no more can be told than how long each TLS record is";

impl Trace {
    pub(crate) fn of(recording: Recording) -> Self {
        let (mut notes, recorded) = (recording.notes, recording.events);
        let start = recorded.first.first().map(|event| event.time);
        let mut blocks = HeaderBlocks::default();
        let first = recorded.first.into_iter().map(|recorded| event(recorded, start, &mut blocks));
        let mut events: Vec<_> = first.collect();
        let left_out = LeftOut { after: events.len(), events: recorded.dropped };
        let left_out = (left_out.events > 0).then_some(left_out);
        if left_out.is_some() {
            blocks = recorded.header_blocks;
        }
        let last = recorded.last.into_iter().map(|recorded| event(recorded, start, &mut blocks));
        events.extend(last);
        if events.iter().any(|event| matches!(event.what, EventKind::TlsRecord(_))) {
            notes.push(ENCRYPTED.to_owned());
        }
        if notes.is_empty() && events.is_empty() {
            notes.push("nobody has connected".to_owned());
        }
        Self { notes, events, left_out }
    }
}

fn event(recorded: RecordedEvent, start: Option<Instant>, blocks: &mut HeaderBlocks) -> Event {
    let block = blocks.decode(&recorded).map(header_block);
    let what = match recorded.kind {
        RecordedKind::Frame(frame) => {
            let dissected = Frame { block, ..without_header_block(&frame) };
            let kind = if frame.is_whole() { EventKind::Frame } else { EventKind::CutOff };
            kind(dissected)
        }
        RecordedKind::Other(kind) => kind,
    };
    let since = start.map(|start| recorded.time.saturating_duration_since(start));
    let ms = since.map_or(0.0, |since| since.as_secs_f64() * 1000.0);
    Event { ms, connection: recorded.connection, from: recorded.sender, what }
}

fn header_block(decoded: Decoded) -> HeaderBlock {
    match decoded {
        Ok((_, fields)) => HeaderBlock {
            more_fields: fields.len().saturating_sub(FIELDS),
            fields: fields.iter().take(FIELDS).map(field).collect(),
            error: None,
        },
        Err(error) => HeaderBlock { error: Some(error), ..HeaderBlock::default() },
    }
}

fn field((name, value): &(Vec<u8>, Vec<u8>)) -> Field {
    Field { name: shown(name), value: shown(value) }
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
