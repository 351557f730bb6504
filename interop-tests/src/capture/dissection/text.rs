//! A trace as text: a line for each event, and below it what its bytes are.

use std::fmt::{self, Display, Formatter};

use crate::capture::dissection::trace::{
    Bytes, Event, Frame, HeaderBlock, LeftOut, Message, Trace, What,
};
use crate::capture::recorder::Sender;

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
            What::Opened => writeln!(f, "opens the connection"),
            What::Preface(_) => writeln!(f, "preface"),
            What::Frame(frame) => frame.fmt(f),
            What::CutOff(frame) => {
                write!(f, "cut off: ")?;
                frame.fmt(f)
            }
            What::Bytes(bytes) => {
                writeln!(f, "{} bytes that are no HTTP/2", bytes.length)?;
                line(f, &shown(bytes, 0, bytes.length), "bytes", &bytes.text())
            }
            What::TlsRecord(record) => {
                let (length, kind) = (record.length, &record.content_type);
                writeln!(f, "TLS record: {kind}, {length} bytes")
            }
            What::HalfClosed => writeln!(f, "half-closes the connection"),
            What::Reset => writeln!(f, "resets the connection"),
            What::Closed => writeln!(f, "closes the connection"),
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
        let header = self.header.len() / 2;
        for part in &self.parts {
            let bytes = if part.end <= header {
                shown_hex(&self.header, part.start, part.end)
            } else {
                shown(&self.payload, part.start - header, part.end - header)
            };
            line(f, &bytes, &part.name, &part.value)?;
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
            let bytes = shown(&self.bytes, field.start, field.end);
            let name = format!("field {}, {}", field.number, field.wire_type);
            line(f, &bytes, &name, &field.value)?;
        }
        match &self.unread {
            Some(why) => writeln!(f, "{:16}{why}", ""),
            None => Ok(()),
        }
    }
}

impl Bytes {
    /// Those that are kept, as text.
    fn text(&self) -> String {
        let bytes = hex::decode(&self.hex).unwrap_or_default();
        crate::http2::text::shown(&bytes)
    }
}

fn line(f: &mut Formatter<'_>, bytes: &str, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "{}", format!("{:16}{bytes:<20} {name:<18} {value}", "").trim_end())
}

/// The bytes from `start` to `end`, as far as they are kept.
fn shown(bytes: &Bytes, start: usize, end: usize) -> String {
    shown_hex(&bytes.hex, start, end)
}

fn shown_hex(hex: &str, start: usize, end: usize) -> String {
    let kept = end.min(start + SHOWN).min(hex.len() / 2);
    let digits = hex.get(2 * start..2 * kept).unwrap_or_default();
    if kept < end { format!("{digits}…") } else { digits.to_owned() }
}
