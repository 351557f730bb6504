//! A probe as the entry of a table: what is read as `[[probe]]`, written.
//!
//! By hand, so that an entry looks as people write them and leaves out what goes without saying;
//! whoever prints one reads it back first.

use std::fmt::{self, Debug, Display, Write};

use crate::http2::any_frame::AnyFrame;
use crate::http2::body::{Coding, Cut, Piece};
use crate::http2::header_list::Change;
use crate::http2::payload::hex;
use crate::http2::text::{Hex, Text};
use crate::parity::baseline::case::Case;
use crate::parity::server::action::Action;
use crate::parity::server::probe;
use crate::parity::server::probe::{Acknowledge, End, Probe};

/// The entry of this probe.
pub(crate) struct Entry<'a>(pub(crate) &'a Probe);

impl Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let probe = self.0;
        writeln!(f, "[[probe]]\nname = \"{}\"", probe.name())?;
        writeln!(f, "grade = \"{}\"", probe.grade)?;
        let mut line = |key: &str, value: String, default: &str| {
            if value == default { Ok(()) } else { writeln!(f, "{key} = {value}") }
        };
        let some = |value: Option<String>| value.unwrap_or_default();
        line("headers", list(&probe.headers, change), "[]")?;
        line("body", list(&probe.body, piece), &list(&probe::root_of_16(), piece))?;
        line("cut", cut(&probe.cut), "{ sizes = [] }")?;
        line("pad", some(probe.pad.map(|pad| pad.to_string())), "")?;
        line("pad-headers", some(probe.pad_headers.map(|pad| pad.to_string())), "")?;
        line("priority", probe.priority.to_string(), "false")?;
        line("fragments", some(probe.fragments.map(|size| size.to_string())), "")?;
        line("end", kebab(&probe.end), &kebab(&End::default()))?;
        line("trailers", list(&probe.trailers, change), "[]")?;
        let acknowledge = kebab(&probe.acknowledge_settings);
        line("acknowledge-settings", acknowledge, &kebab(&Acknowledge::default()))?;
        line("preface", some(probe.preface.as_ref().map(text)), "")?;
        let usual = list(&probe::one_request(), action);
        line("actions", list(&probe.actions, action), &usual)?;
        line("times", probe.times.to_string(), "1")?;
        line("together", probe.together.to_string(), "false")
    }
}

/// On one line, or on a line each when that gets long.
fn list<T>(items: &[T], one: fn(&T) -> String) -> String {
    const LONG: usize = 80;
    let items: Vec<_> = items.iter().map(one).collect();
    let line = format!("[{}]", items.join(", "));
    if line.len() <= LONG || items.len() < 2 {
        return line;
    }
    format!("[\n    {},\n]", items.join(",\n    "))
}

/// An inline table of the keys that have a value.
fn table(pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let pairs = pairs.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}", value?)));
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

fn number<T: Display>(number: Option<T>) -> Option<String> {
    number.map(|number| number.to_string())
}

fn change(change: &Change) -> String {
    table([
        ("set", change.set.as_ref().map(text)),
        ("remove", change.remove.as_ref().map(text)),
        ("add", change.add.as_ref().map(text)),
        ("first", change.first.as_ref().map(text)),
        ("value", Some(&change.value).filter(|value| !value.0.is_empty()).map(text)),
        ("size", number(change.size)),
        ("times", number(change.times)),
    ])
}

fn piece(piece: &Piece) -> String {
    let coding = |coding: Coding| match coding {
        Coding::Gzip => "\"gzip\"".to_owned(),
        Coding::Deflate => "\"deflate\"".to_owned(),
        Coding::RawDeflate => "\"raw-deflate\"".to_owned(),
    };
    table([
        ("value", piece.value.map(|value| format!("\"0x{}\"", value.hex()))),
        ("size", number(piece.size)),
        ("message", piece.message.as_ref().map(hexadecimal)),
        ("zeros", number(piece.zeros)),
        ("raw", piece.raw.as_ref().map(hexadecimal)),
        ("compressed", piece.compressed.map(coding)),
        ("flag", number(piece.flag)),
        ("length", number(piece.length)),
        ("keep", number(piece.keep)),
        ("corrupt", number(piece.corrupt)),
        ("append", piece.append.as_ref().map(hexadecimal)),
        ("times", number(piece.times)),
    ])
}

fn cut(cut: &Cut) -> String {
    match cut {
        Cut::EveryByte => "\"every-byte\"".to_owned(),
        Cut::Every(size) => format!("{{ every = {size} }}"),
        Cut::Sizes(sizes) => format!("{{ sizes = {sizes:?} }}"),
    }
}

fn action(action: &Action) -> String {
    match action {
        Action::Headers => "\"headers\"".to_owned(),
        Action::Body => "\"body\"".to_owned(),
        Action::BodyTo(end) => format!("{{ body-to = {end} }}"),
        Action::End => "\"end\"".to_owned(),
        Action::Reset(code) => format!("{{ reset = {code} }}"),
        Action::Goaway(code) => format!("{{ goaway = {code} }}"),
        Action::Ping(times) => format!("{{ ping = {times} }}"),
        Action::Settings(settings) => {
            let pairs: Vec<_> = settings.iter().map(|(id, v)| format!("[{id}, {v}]")).collect();
            format!("{{ settings = [{}] }}", pairs.join(", "))
        }
        Action::Frame(frame) => format!("{{ frame = {} }}", any_frame(frame)),
        Action::Answer => "\"answer\"".to_owned(),
        Action::WaitMs(milliseconds) => format!("{{ wait-ms = {milliseconds} }}"),
        Action::NextStream => "\"next-stream\"".to_owned(),
        Action::HalfClose => "\"half-close\"".to_owned(),
    }
}

fn any_frame(frame: &AnyFrame) -> String {
    table([
        ("type", Some(frame.r#type.to_string())),
        ("flags", Some(frame.flags.to_string()).filter(|flags| flags != "0")),
        ("stream", number(frame.stream)),
        ("payload", Some(hexadecimal(&frame.payload)).filter(|_| !frame.payload.0.is_empty())),
        ("size", number(frame.size)),
    ])
}

/// The name of a variant as the tables write it.
fn kebab(variant: &impl Debug) -> String {
    let mut name = String::from("\"");
    for letter in format!("{variant:?}").chars() {
        if letter.is_ascii_uppercase() && name.len() > 1 {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name + "\""
}

fn hexadecimal(bytes: &Hex) -> String {
    format!("\"{}\"", hex(&bytes.0))
}

/// Within `'` where there is anything to escape: `"` would want the backslashes twice.
fn text(text: &Text) -> String {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !b"\"'\\".contains(byte);
    let quote = if text.0.iter().all(is_plain) { '"' } else { '\'' };
    let mut written = String::from(quote);
    for byte in &text.0 {
        if is_plain(byte) || *byte == b'"' {
            written.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(written, r"\x{byte:02x}");
        }
    }
    written.push(quote);
    written
}
