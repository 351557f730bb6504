//! What was observed of a server: lines of `what = value`, in one canonical form.
//!
//! One form for comparing, for showing and for the goldens, so that what a person reads is all that
//! was compared.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer};

use super::answer::Answer;
use super::connection::Connection;
use super::frame::error_name;
use super::header_block::Field;
use super::mask;
use super::text::shown;
use crate::harness::finding::Mismatch;
use crate::harness::payload::hex;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    lines: Vec<(String, String)>,
}

/// What a line says that is not there.
const NOTHING: &str = "(none)";

impl Observation {
    pub(crate) fn add(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.lines.push((what.into(), value.into()));
    }

    /// Adds what came on one stream.
    pub(crate) fn add_stream(&mut self, stream: u32, answer: &Answer, connection: &Connection) {
        for (what, value) in parts(answer, connection.is_closed) {
            self.add(format!("stream {stream}: {what}"), value);
        }
    }

    /// Adds how often each answer came, for streams that all ask the same.
    pub(crate) fn add_counts<'a>(
        &mut self,
        answers: impl Iterator<Item = &'a Answer>,
        connection: &Connection,
    ) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for answer in answers {
            *counts.entry(in_one_line(answer, connection)).or_default() += 1;
        }
        for (answer, count) in counts {
            self.add(format!("streams that end with {answer}"), count.to_string());
        }
    }

    fn value(&self, what: &str) -> Option<&str> {
        self.lines.iter().find(|(name, _)| name == what).map(|(_, value)| &value[..])
    }

    /// Where `observed` differs.
    pub(crate) fn mismatches(&self, observed: &Self) -> Vec<Mismatch> {
        let more = observed.lines.iter().filter(|(what, _)| self.value(what).is_none());
        self.lines
            .iter()
            .chain(more)
            .map(|(what, _)| (what, self.value(what), observed.value(what)))
            .filter(|(_, expected, observed)| expected != observed)
            .map(|(what, expected, observed)| {
                Mismatch::new(what, expected.unwrap_or(NOTHING), observed.unwrap_or(NOTHING))
            })
            .collect()
    }

    /// Reads the canonical form; the error is the line that is none.
    pub(crate) fn from_text(text: &str) -> Result<Self, String> {
        let line = |line: &str| {
            let (what, value) = line.split_once(" = ").ok_or_else(|| line.to_owned())?;
            Ok((what.to_owned(), value.to_owned()))
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Self { lines: lines.map(line).collect::<Result<_, String>>()? })
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|(what, value)| writeln!(f, "{what} = {value}"))
    }
}

impl<'de> Deserialize<'de> for Observation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let error = |line: String| de::Error::custom(format!("`{line}` is not `what = value`"));
        Self::from_text(&text).map_err(error)
    }
}

/// The parts of an answer, those that are not there left out.
fn parts(answer: &Answer, is_closed: bool) -> Vec<(&'static str, String)> {
    let mut parts = Vec::new();
    let mut blocks = answer.blocks.clone();
    let trailing = if answer.end_stream && !blocks.is_empty() { blocks.pop() } else { None };
    let all = || blocks.iter().flatten().chain(trailing.iter().flatten());
    let named = |name: &[u8]| {
        let mut values =
            all().filter(|(n, value)| n == name && mask::is_compared(&(n.clone(), value.clone())));
        values.next().map(|(_, value)| value.clone())
    };
    if let Some(status) = named(b":status") {
        parts.push(("HTTP status", shown(&status)));
    }
    if let Some(status) = named(b"grpc-status") {
        parts.push(("grpc-status", shown(&status)));
    }
    if let Some(message) = named(b"grpc-message") {
        parts.push(("grpc-message", shown(&percent_decoded(&message))));
    }
    if !answer.data.is_empty() {
        parts.push(("messages", messages(&answer.data)));
    }
    let initial = metadata(blocks.iter().flatten());
    if !initial.is_empty() {
        parts.push(("initial metadata", initial));
    }
    let trailing = metadata(trailing.iter().flatten());
    if !trailing.is_empty() {
        parts.push(("trailing metadata", trailing));
    }
    if let Some(malformed) = &answer.malformed {
        parts.push(("malformed", malformed.clone()));
    }
    parts.push(("end", end(answer, is_closed)));
    parts
}

fn end(answer: &Answer, is_closed: bool) -> String {
    let reset = answer.reset.map(|code| format!("RST_STREAM {}", error_name(code)));
    match (answer.end_stream, reset) {
        _ if answer.cancelled => "reset by the client".to_owned(),
        (true, Some(reset)) if !answer.request_ended => format!("END_STREAM, then {reset}"),
        (true, _) => "END_STREAM".to_owned(),
        (false, Some(reset)) => reset,
        (false, None) if is_closed => "the connection closed".to_owned(),
        (false, None) if answer.blocks.is_empty() => "no answer".to_owned(),
        (false, None) => "an answer without an end".to_owned(),
    }
}

/// An answer in one line.
pub(crate) fn in_one_line(answer: &Answer, connection: &Connection) -> String {
    let parts = parts(answer, connection.is_closed);
    let parts: Vec<_> = parts.into_iter().map(|(what, value)| format!("{what} {value}")).collect();
    parts.join(", ")
}

/// A GOAWAY with everything that is not compared.
pub(crate) fn all_of((code, debug): &(u32, Vec<u8>)) -> String {
    format!("(what came was GOAWAY {} {})", error_name(*code), shown(debug))
}

/// The connection's end, in one line; `said_goodbye` is whether the client has announced it.
pub(crate) fn end_of(connection: &Connection, said_goodbye: bool) -> String {
    if said_goodbye && connection.goaway.as_ref().is_none_or(|(code, _)| *code == 0) {
        return "left by the client".to_owned();
    }
    let goaway = connection.goaway.as_ref();
    let goaway = goaway.filter(|(code, _)| !connection.is_closed || mask::is_reason(*code));
    let goaway = goaway.map(|(code, data)| {
        let data = mask::debug_data(*code, data).map(|data| format!(" {}", shown(data)));
        format!("GOAWAY {}{}", error_name(*code), data.unwrap_or_default())
    });
    match (goaway, connection.is_closed) {
        (Some(goaway), true) => format!("{goaway}, closed"),
        (Some(goaway), false) => goaway,
        (None, true) => "closed".to_owned(),
        (None, false) => "open".to_owned(),
    }
}

/// Metadata in the order of its names; values of the same name stay in theirs.
fn metadata<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    const OWN_PARTS: [&[u8]; 3] = [b":status", b"grpc-status", b"grpc-message"];
    let mut fields: Vec<_> = fields
        .filter(|field| mask::is_compared(field) && !OWN_PARTS.contains(&&field.0[..]))
        .collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    let field = |(name, value): &&Field| format!("{}: {}", shown(name), shown(value));
    fields.iter().map(field).collect::<Vec<_>>().join("; ")
}

/// Length-prefixed messages in hex, with their flag unless it is 0.
fn messages(mut data: &[u8]) -> String {
    const SHOWN: usize = 64;
    let mut messages = Vec::new();
    while !data.is_empty() {
        let Some(([flag, length @ ..], rest)) = data.split_first_chunk::<5>() else {
            messages.push(format!("a part of a prefix: {}", hex(data)));
            break;
        };
        let length = u32::from_be_bytes(*length) as usize;
        let Some((message, rest)) = rest.split_at_checked(length) else {
            messages.push(format!("{} of {length} bytes", rest.len()));
            break;
        };
        let shown = match message.len() {
            0 => "empty".to_owned(),
            length if length > SHOWN => {
                format!("{length} bytes, checksum {:016x}", checksum(message))
            }
            _ => hex(message),
        };
        messages.push(if *flag == 0 { shown } else { format!("flag {flag} {shown}") });
        data = rest;
    }
    messages.join("; ")
}

/// FNV-1a: goldens outlive the standard library's choice of a hash.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let encoded = after
            .get(..2)
            .filter(|_| *byte == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(super::text::from_hex);
        rest = if encoded.is_some() { &after[2..] } else { after };
        bytes.extend(encoded.unwrap_or_else(|| vec![*byte]));
    }
    bytes
}
