//! What came of a probe, as the lines of an observation.
//!
//! What of it is compared is decided in [`mask`] and nowhere else.

use std::collections::BTreeMap;

use crate::http2::frame::error_name;
use crate::http2::header_block::Field;
use crate::http2::message;
use crate::http2::text::{from_hex, shown};
use crate::outcome::observation::Observation;
use crate::parity::server::connection::Connection;
use crate::parity::server::mask;
use crate::parity::server::response::Answer;

/// Adds what came on one stream to `observation`.
pub(crate) fn add_stream(
    observation: &mut Observation,
    stream: u32,
    answer: &Answer,
    connection: &Connection,
) {
    for (what, value) in parts(answer, connection.is_closed) {
        observation.add(format!("stream {stream}: {what}"), value);
    }
}

/// Adds how often each answer came, for streams that all ask the same.
pub(crate) fn add_counts<'a>(
    observation: &mut Observation,
    answers: impl Iterator<Item = &'a Answer>,
    connection: &Connection,
) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for answer in answers {
        *counts.entry(in_one_line(answer, connection)).or_default() += 1;
    }
    for (answer, count) in counts {
        observation.add(format!("streams that end with {answer}"), count.to_string());
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
        parts.push(("messages", message::shown(&answer.data)));
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

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let encoded = after
            .get(..2)
            .filter(|_| *byte == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(from_hex);
        rest = if encoded.is_some() { &after[2..] } else { after };
        bytes.extend(encoded.unwrap_or_else(|| vec![*byte]));
    }
    bytes
}
