//! Renders a trace as text: a line for each event, and below it the meaning of its bytes.

use std::fmt::{self, Display, Formatter};

use crate::capture::trace::Sender;
use crate::capture::trace::{Event, EventKind, Frame, HeaderBlock, LeftOut, Message, Part, Trace};
use crate::http2::text::shown;

/// How many bytes of a part are shown in its line.
const SHOWN: usize = 32;

impl Display for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        for (index, event) in self.events.iter().enumerate() {
            if let Some(LeftOut { events, .. }) = self.left_out.filter(|gap| gap.after == index) {
                writeln!(f, "… {events} events are left out …")?;
            }
            event.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:>11.3} ms  connection {}  {:<6}  ", self.ms, self.connection, self.from)?;
        match &self.what {
            EventKind::Opened => writeln!(f, "opens the connection"),
            EventKind::Preface(_) => writeln!(f, "preface"),
            EventKind::Frame(frame) => frame.fmt(f),
            EventKind::CutOff(frame) => {
                write!(f, "cut off: ")?;
                frame.fmt(f)
            }
            EventKind::Bytes(bytes) => {
                writeln!(f, "{} bytes that are no HTTP/2", bytes.length)?;
                line(f, &bytes.kept, 0, bytes.length, "bytes", &shown(&bytes.kept))
            }
            EventKind::TlsRecord(record) => {
                let (length, kind) = (record.length, &record.content_type);
                writeln!(f, "TLS record: {kind}, {length} bytes")
            }
            EventKind::HalfClosed => writeln!(f, "half-closes the connection"),
            EventKind::Reset => writeln!(f, "resets the connection"),
            EventKind::Closed => writeln!(f, "closes the connection"),
        }
    }
}

impl Display for Sender {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

impl Display for Frame {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} on stream {}", self.name, self.stream)?;
        for flag in &self.flags {
            write!(f, ", {flag}")?;
        }
        writeln!(f)?;
        let kept = self.kept();
        for Part { start, end, name, value } in &self.parts {
            line(f, &kept, *start, *end, name, value)?;
        }
        if let Some(block) = &self.block {
            block.fmt(f)?;
        }
        for message in &self.messages {
            message.fmt(f)?;
        }
        if self.more_messages > 0 {
            writeln!(f, "{:16}and {} more messages", "", self.more_messages)?;
        }
        Ok(())
    }
}

impl Display for HeaderBlock {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for field in &self.fields {
            writeln!(f, "{:16}{}: {}", "", field.name, field.value)?;
        }
        if self.more_fields > 0 {
            writeln!(f, "{:16}and {} more fields", "", self.more_fields)?;
        }
        match &self.error {
            Some(error) => writeln!(f, "{:16}cannot be decoded: {error}", ""),
            None => Ok(()),
        }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (flag, length) = (self.flag, self.bytes.length);
        writeln!(f, "{:16}message of {length} bytes, compressed flag {flag}", "")?;
        for field in &self.fields {
            let name = format!("field {}, {}", field.number, field.wire_type);
            line(f, &self.bytes.kept, field.start, field.end, &name, &field.value)?;
        }
        match &self.unread {
            Some(why) => writeln!(f, "{:16}{why}", ""),
            None => Ok(()),
        }
    }
}

/// Writes a line about the bytes from `start` to `end`, of which the first and `kept` ones are shown.
fn line(
    f: &mut Formatter<'_>,
    kept: &[u8],
    start: usize,
    end: usize,
    name: &str,
    value: &str,
) -> fmt::Result {
    let shown_end = end.min(start + SHOWN).min(kept.len());
    let mut bytes = kept.get(start..shown_end).map(hex::encode).unwrap_or_default();
    if shown_end < end {
        bytes.push('…');
    }
    writeln!(f, "{}", format!("{:16}{bytes:<20} {name:<18} {value}", "").trim_end())
}
