//! Describes events for people: the same titles and meanings in `wire.txt` and on the HTML page.

use std::fmt::{self, Display, Formatter};

use grpc_interop_protocol::hex;

use crate::capture::dissection::messages::{self, PREFIX};
use crate::capture::trace::{Bytes, Event, EventKind, Field, Frame, LeftOut, Message, Part, Trace};
use crate::http2::value::shown;

/// How many bytes of a part are shown.
const SHOWN: usize = 64;

/// The description of an event for people.
#[derive(Default)]
pub(crate) struct Description<'a> {
    /// Such as `HEADERS on stream 1`.
    pub(crate) title: String,
    /// Such as `END_STREAM`.
    pub(crate) details: Vec<String>,
    pub(crate) parts: Vec<DescribedPart<'a>>,
    /// The fields of the header block that ends with it.
    pub(crate) fields: &'a [Field],
    pub(crate) notes: Vec<String>,
}

/// Some bytes of an event or a message and their meaning.
pub(crate) struct DescribedPart<'a> {
    /// The first of the bytes.
    pub(crate) bytes: Vec<u8>,
    /// Where they start in the frame or in the message.
    pub(crate) start: usize,
    pub(crate) name: String,
    pub(crate) value: String,
    /// The message that they belong to. For an empty message, this is its length field.
    pub(crate) message: Option<&'a Message>,
}

impl<'a> DescribedPart<'a> {
    /// The `part` of `bytes`, which may be truncated.
    pub(crate) fn new(part: Part, bytes: &[u8], message: Option<&'a Message>) -> Self {
        let Part { start, end, name, value } = part;
        let shown = bytes.iter().skip(start).take((end - start).min(SHOWN));
        let bytes: Vec<_> = shown.copied().collect();
        let value = match end - start - bytes.len() {
            0 => value,
            more => format!("{value} … {more} more bytes").trim_start().to_owned(),
        };
        Self { bytes, start, name, value, message }
    }
}

impl<'a> Description<'a> {
    /// Describes `event`.
    pub(crate) fn of(event: &'a Event) -> Self {
        let titled = |title: &str| Self { title: title.to_owned(), ..Self::default() };
        match &event.what {
            EventKind::Opened => titled("opens the connection"),
            EventKind::Preface(bytes) => Self::of_bytes("preface".to_owned(), bytes),
            EventKind::Frame(frame) => Self::of_frame(frame),
            EventKind::CutOff(frame) => {
                let whole = Self::of_frame(frame);
                Self { title: format!("cut off: {}", whole.title), ..whole }
            }
            EventKind::Bytes(bytes) => {
                Self::of_bytes(format!("{} bytes that are not HTTP/2", bytes.length), bytes)
            }
            EventKind::TlsRecord(record) => Self {
                title: format!("TLS record: {}", record.content_type),
                details: vec![format!("{} bytes", record.length)],
                ..Self::default()
            },
            EventKind::HalfClosed => titled("half-closes the connection"),
            EventKind::Reset => titled("resets the connection"),
            EventKind::Closed => titled("closes the connection"),
        }
    }

    fn of_bytes(title: String, bytes: &Bytes) -> Self {
        let (name, value) = ("bytes".to_owned(), shown(&bytes.kept));
        let part = Part { start: 0, end: bytes.length, name, value };
        let parts = vec![DescribedPart::new(part, &bytes.kept, None)];
        Self { title, parts, ..Self::default() }
    }

    fn of_frame(frame: &'a Frame) -> Self {
        let kept = frame.kept();
        let mut parts = Vec::new();
        let message_at = |position: usize| {
            let mut messages = frame.messages.iter();
            messages.find(|message| message.start.is_some_and(|at| at + PREFIX == position))
        };
        for part in &frame.parts {
            let empty = match (&part.name[..], message_at(part.start), message_at(part.end)) {
                ("message", Some(message), _) => {
                    parts.extend(of_message(message));
                    continue;
                }
                ("message length", _, message) => message.filter(|m| m.bytes.length == 0),
                _ => None,
            };
            parts.push(DescribedPart::new(part.clone(), &kept, empty));
        }
        for message in frame.messages.iter().filter(|message| message.start.is_none()) {
            let name = "the message that ends here".to_owned();
            let value = format!("{} bytes, compressed flag {}", message.bytes.length, message.flag);
            let part = Part { start: 0, end: 0, name, value };
            parts.push(DescribedPart::new(part, &[], Some(message)));
            parts.extend(of_message(message));
        }
        let block = frame.block.as_ref();
        let more =
            |count: usize, what: &str| (count > 0).then(|| format!("and {count} more {what}"));
        let notes = [
            more(frame.more_messages, "messages"),
            block.and_then(|block| more(block.more_fields, "fields")),
            block.and_then(|block| Some(format!("cannot be decoded: {}", block.error.as_ref()?))),
        ];
        Self {
            title: format!("{} on stream {}", frame.name, frame.stream),
            details: frame.flags.clone(),
            parts,
            fields: block.map(|block| &block.fields[..]).unwrap_or_default(),
            notes: notes.into_iter().flatten().collect(),
        }
    }
}

fn of_message(message: &Message) -> impl Iterator<Item = DescribedPart<'_>> {
    let Message { bytes, fields, unread, .. } = message;
    let parts = messages::parts(fields, bytes.length, unread.as_deref());
    parts.into_iter().map(|part| DescribedPart::new(part, &bytes.kept, Some(message)))
}

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        for (index, event) in self.events.iter().enumerate() {
            if let Some(LeftOut { events, .. }) = self.left_out.filter(|gap| gap.after == index) {
                writeln!(f, "… {events} events omitted …")?;
            }
            write!(f, "{event}")?;
        }
        Ok(())
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Description { title, details, parts, fields, notes } = Description::of(self);
        let what = [vec![title], details].concat().join(", ");
        let Self { ms, connection, from, .. } = self;
        writeln!(f, "{ms:>11.3} ms  connection {connection}  {from:<6}  {what}")?;
        for DescribedPart { bytes, name, value, .. } in parts {
            let line = format!("{:16}{:<20} {name:<18} {value}", "", hex::encode(&bytes));
            writeln!(f, "{}", line.trim_end())?;
        }
        for Field { name, value } in fields {
            writeln!(f, "{:16}{name}: {value}", "")?;
        }
        notes.iter().try_for_each(|note| writeln!(f, "{:16}{note}", ""))
    }
}
