//! The frames of a trial, each byte with its meaning.
//!
//! The bytes that a mismatch is about are marked in the frame that carried them, because a reader looks
//! for them first.

use serde::Serialize;

use crate::capture::trace::{
    Bytes, Event, EventKind, Frame, Message, Part as FramePart, Sender, Trace,
};
use crate::report::html::bytes;
use crate::report::html::bytes::{Pair, Part, runs};
use crate::report::html::comparison;
use crate::report::html::format;
use crate::report::record::trial::TrialRecord;

/// How many bytes are shown of a part.
const SHOWN: usize = 64;

/// The length of a message's prefix.
const PREFIX: usize = 5;

/// The section about the wire in the report of a trial.
#[derive(Debug, Serialize)]
pub(crate) struct Wire {
    notes: Vec<String>,
    events: Vec<EventView>,
    /// Whether the bytes of a mismatch are among these.
    is_marked: bool,
}

#[derive(Debug, Default, Serialize)]
struct EventView {
    /// How many events before it are left out.
    left_out: usize,
    from: &'static str,
    to: &'static str,
    at: String,
    connection: usize,
    title: String,
    details: Vec<String>,
    parts: Vec<Part>,
    fields: Vec<(String, String)>,
    notes: Vec<String>,
    /// Whether the bytes of a mismatch are in it.
    is_marked: bool,
}

/// The messages in which a trial found a mismatch, as pairs of expected and observed.
type Wrong = Vec<(Vec<u8>, Vec<u8>)>;

impl Wire {
    /// The section for `trial` with about `limit` events: the first, the last, and those with bytes that
    /// a mismatch is about.
    pub(crate) fn of(trace: &Trace, trial: &TrialRecord, limit: usize) -> Self {
        let wrong: Wrong = trial.mismatches.iter().filter_map(comparison::messages).collect();
        let (first, last) = (limit / 2, trace.events.len().saturating_sub(limit / 2));
        let mut events: Vec<EventView> = Vec::new();
        let mut left_out = 0;
        for (index, event) in trace.events.iter().enumerate() {
            left_out +=
                trace.left_out.filter(|left_out| left_out.after == index).map_or(0, |l| l.events);
            let view = EventView::of(event, left_out, &wrong);
            if index < first || index >= last || view.is_marked {
                events.push(view);
                left_out = 0;
            } else {
                left_out += 1;
            }
        }
        let is_marked = events.iter().any(|event| event.is_marked);
        Self { notes: trace.notes.clone(), events, is_marked }
    }
}

impl EventView {
    fn of(event: &Event, left_out: usize, wrong: &Wrong) -> Self {
        let (from, to) = match event.from {
            Sender::Client => ("client", "server"),
            Sender::Server => ("server", "client"),
        };
        let mut view = Self {
            left_out,
            from,
            to,
            at: format::duration(event.ms),
            connection: event.connection,
            ..Self::default()
        };
        match &event.what {
            EventKind::Opened => view.title("connection opened"),
            EventKind::HalfClosed => view.title("sends nothing more"),
            EventKind::Reset => view.title("connection reset"),
            EventKind::Closed => view.title("connection closed"),
            EventKind::Preface(bytes) => {
                view.title("preface");
                view.bytes(bytes);
            }
            EventKind::Bytes(bytes) => {
                view.title("bytes that are no HTTP/2");
                view.bytes(bytes);
            }
            EventKind::TlsRecord(record) => {
                view.title("TLS record");
                view.details.push(record.content_type.clone());
                view.details.push(format::plural(record.length, "byte"));
            }
            EventKind::Frame(frame) => {
                view.frame(frame, if from == "server" { wrong } else { &[] });
            }
            EventKind::CutOff(frame) => {
                view.frame(frame, &[]);
                view.details.push("cut off".to_owned());
            }
        }
        view
    }

    fn title(&mut self, title: &str) {
        title.clone_into(&mut self.title);
    }

    fn bytes(&mut self, bytes: &Bytes) {
        self.part(&bytes.kept, 0, bytes.length, "bytes", String::new(), false);
    }

    /// Adds the part from `start` to `end` of bytes of which the first and `kept` ones are known.
    fn part(
        &mut self,
        kept: &[u8],
        start: usize,
        end: usize,
        name: &str,
        value: String,
        is_wrong: bool,
    ) {
        let until = end.min(start + SHOWN).min(kept.len()).max(start);
        let bytes = (start..until).map(|index| (kept.get(index).copied(), is_wrong));
        let value = match end.saturating_sub(until) {
            0 => value,
            more => format!("{value} … {more} more bytes").trim_start().to_owned(),
        };
        self.parts.push(Part { runs: runs(bytes), name: name.to_owned(), value });
    }

    fn frame(&mut self, frame: &Frame, wrong: &[(Vec<u8>, Vec<u8>)]) {
        self.title.clone_from(&frame.name);
        self.details.push(format!("stream {}", frame.stream));
        self.details.extend(frame.flags.iter().cloned());
        let kept = frame.kept();
        for FramePart { start, end, name, value } in &frame.parts {
            let message = frame.messages.iter().find(|message| {
                message
                    .start
                    .is_some_and(|at| (at..at + PREFIX + message.bytes.length).contains(start))
            });
            let pair = message.and_then(|message| wrong_bytes(message, wrong));
            match (message, message.and_then(|message| message.start)) {
                (Some(message), Some(at)) if *start == at + PREFIX => {
                    self.message(message, pair.as_ref());
                }
                // An empty message is visible only as its length.
                (Some(message), Some(_)) if message.bytes.length == 0 && end - start > 1 => {
                    self.is_marked |= pair.is_some();
                    self.part(&kept, *start, *end, name, value.clone(), pair.is_some());
                }
                _ => self.part(&kept, *start, *end, name, value.clone(), false),
            }
        }
        for message in frame.messages.iter().filter(|message| message.start.is_none()) {
            self.notes.push("the message that ends here:".to_owned());
            self.message(message, wrong_bytes(message, wrong).as_ref());
        }
        if frame.more_messages > 0 {
            self.notes.push(format!("and {} more messages", frame.more_messages));
        }
        if let Some(block) = &frame.block {
            let fields = block.fields.iter();
            self.fields = fields.map(|field| (field.name.clone(), field.value.clone())).collect();
            if block.more_fields > 0 {
                self.notes.push(format!("and {} more fields", block.more_fields));
            }
            self.notes.extend(block.error.as_ref().map(|why| format!("cannot be decoded: {why}")));
        }
    }

    fn message(&mut self, message: &Message, pair: Option<&Pair<'_>>) {
        self.is_marked |= pair.is_some();
        let is_wrong = |index| pair.is_some_and(|pair| pair.is_wrong(index));
        let unread = message.unread.as_deref();
        self.parts.extend(bytes::parts(&message.bytes.kept, &message.fields, unread, is_wrong));
        if message.bytes.left_out > 0 {
            self.notes.push(format!("{} more bytes are not kept", message.bytes.left_out));
        }
    }
}

/// The pair of `wrong` whose observed message this is.
fn wrong_bytes<'a>(message: &Message, wrong: &'a [(Vec<u8>, Vec<u8>)]) -> Option<Pair<'a>> {
    if message.flag != 0 || message.bytes.left_out > 0 {
        return None;
    }
    let (expected, observed) =
        wrong.iter().find(|(_, observed)| *observed == message.bytes.kept)?;
    Some(Pair::new(expected, observed))
}
