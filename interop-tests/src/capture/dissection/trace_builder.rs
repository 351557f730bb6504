//! From a tape to a trace: what was taken is read, in the order in which it was said.
//!
//! Header blocks are read from the first to the last, also those of frames that are left out.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::capture::dissection::frame as dissect;
use crate::capture::dissection::protobuf;
use crate::capture::dissection::trace::{
    Bytes, Event, Field, Frame, HeaderBlock, LeftOut, Message, TlsRecord, Trace, What,
};
use crate::capture::recorder::event::{
    HEADER, KEPT, Kept, RawEvent, RawFrame, RawMessage, RawWhat,
};
use crate::capture::recorder::recording::RingBuffer;
use crate::capture::recorder::{Recorder, Sender};
use crate::http2::frame;
use crate::http2::frame::PREFACE;
use crate::http2::frame::{flag, kind};
use crate::http2::header_block::BlockReader;
use crate::http2::text::shown;

/// How many fields of a header block are told.
const FIELDS: usize = 100;

const ENCRYPTED: &str = "the connection is encrypted, and only its two ends have the keys: of what \
                         goes over it no more can be told than how long each TLS record is";

impl Trace {
    /// Dissects what `recorder` has recorded so far.
    pub fn of(recorder: &Recorder) -> Self {
        trace(&recorder.reel())
    }
}

fn trace(reel: &RingBuffer) -> Trace {
    let begin = reel.first.first().map(|event| event.at);
    let mut reader = Reader { reel, begin, blocks: BTreeMap::new() };
    let mut events: Vec<_> = reel.first.iter().map(|event| reader.event(event)).collect();
    let left_out =
        (reel.left_out > 0).then_some(LeftOut { after: events.len(), events: reel.left_out });
    for event in &reel.blocks {
        reader.event(event);
    }
    events.extend(reel.last.iter().map(|event| reader.event(event)));
    let mut notes = reel.notes.clone();
    if events.iter().any(|event| matches!(event.what, What::TlsRecord(_))) {
        notes.push(ENCRYPTED.to_owned());
    }
    if notes.is_empty() && events.is_empty() {
        notes.push("nobody has connected".to_owned());
    }
    Trace { notes, events, left_out }
}

struct Reader<'a> {
    reel: &'a RingBuffer,
    begin: Option<Instant>,
    /// The header blocks of each direction.
    blocks: BTreeMap<(usize, Sender), Blocks>,
}

struct Blocks {
    assembly: BlockReader,
    /// Whether one could not be read, so that what later ones mean is unknown.
    are_lost: bool,
}

impl Reader<'_> {
    fn event(&mut self, event: &RawEvent) -> Event {
        let since = self.begin.map(|begin| event.at.saturating_duration_since(begin));
        let what = match &event.what {
            RawWhat::Opened => What::Opened,
            RawWhat::Preface => What::Preface(bytes(&kept(PREFACE))),
            RawWhat::Frame(frame) if frame.is_whole() => {
                let block = self.block(event, frame);
                What::Frame(Frame { block, ..described(frame) })
            }
            RawWhat::Frame(frame) => What::CutOff(described(frame)),
            RawWhat::Bytes(kept) => What::Bytes(bytes(kept)),
            RawWhat::TlsRecord(header) => What::TlsRecord(tls_record(*header)),
            RawWhat::HalfClosed => What::HalfClosed,
            RawWhat::Reset => What::Reset,
            RawWhat::Closed => What::Closed,
        };
        let ms = since.map_or(0.0, |since| since.as_secs_f64() * 1000.0);
        Event { ms, connection: event.connection, from: event.from, what }
    }

    /// The header block that ends with `frame`.
    fn block(&mut self, event: &RawEvent, raw: &RawFrame) -> Option<HeaderBlock> {
        if !matches!(raw.kind(), kind::HEADERS | kind::CONTINUATION) {
            return None;
        }
        let direction = (event.connection, event.from);
        let new = || Blocks { assembly: BlockReader::new(), are_lost: false };
        let blocks = self.blocks.entry(direction).or_insert_with(new);
        blocks.are_lost |= raw.payload.bytes.len() < raw.payload.length;
        let is_gap = self.reel.lost.contains(&direction);
        let payload = raw.payload.bytes.clone();
        let frame = frame::Frame::new(raw.kind(), raw.flags(), raw.stream(), payload);
        let ends = frame.has(flag::END_HEADERS);
        let Some(block) = blocks.assembly.take(frame) else {
            let error = "its padding is longer than the frame, or no HEADERS came before it";
            return ends.then(|| failed(error.to_owned()));
        };
        if blocks.are_lost || is_gap {
            let error = "a header block before it, or a part of it, is not kept";
            return Some(failed(error.to_owned()));
        }
        Some(match block.fields {
            Ok(fields) => {
                let more_fields = fields.len().saturating_sub(FIELDS);
                let shown = |(name, value): &(Vec<u8>, Vec<u8>)| Field {
                    name: shown(name),
                    value: shown(value),
                };
                let fields = fields.iter().take(FIELDS).map(shown).collect();
                HeaderBlock { fields, more_fields, error: None }
            }
            Err(error) => {
                blocks.are_lost = true;
                failed(error)
            }
        })
    }
}

fn failed(error: String) -> HeaderBlock {
    HeaderBlock { error: Some(error), ..HeaderBlock::default() }
}

/// A frame without its header block.
fn described(raw: &RawFrame) -> Frame {
    Frame {
        name: frame::kind_name(raw.kind()),
        flags: dissect::flags(raw),
        stream: raw.stream(),
        header: hex::encode(&raw.header),
        payload: bytes(&raw.payload),
        parts: dissect::parts(raw),
        block: None,
        messages: raw.messages.iter().map(message).collect(),
        more_messages: raw.more_messages,
    }
}

fn message(raw: &RawMessage) -> Message {
    let content = protobuf::read(&raw.bytes.bytes);
    let is_cut = raw.bytes.bytes.len() < raw.bytes.length;
    let (fields, unread) = match (raw.flag, content) {
        (0, (fields, _)) if is_cut => (fields, Some(format!("only {KEPT} of its bytes are kept"))),
        (0, (fields, fault)) => (fields, fault),
        (1, _) => (Vec::new(), Some("it is compressed".to_owned())),
        (flag, _) => (Vec::new(), Some(format!("{flag} is no compressed flag"))),
    };
    let start = raw.start.map(|start| HEADER + start);
    Message { flag: raw.flag, start, bytes: bytes(&raw.bytes), fields, unread }
}

fn kept(all: &[u8]) -> Kept {
    Kept { bytes: all.to_vec(), length: all.len() }
}

fn bytes(kept: &Kept) -> Bytes {
    let shown = &kept.bytes[..kept.bytes.len().min(KEPT)];
    Bytes { length: kept.length, hex: hex::encode(shown), left_out: kept.length - shown.len() }
}

fn tls_record(header: [u8; 5]) -> TlsRecord {
    let content_type = match header[0] {
        20 => "change cipher spec".to_owned(),
        21 => "alert".to_owned(),
        22 => "handshake".to_owned(),
        23 => "application data".to_owned(),
        other => format!("content type {other}"),
    };
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    TlsRecord { content_type, header: hex::encode(header), length }
}
