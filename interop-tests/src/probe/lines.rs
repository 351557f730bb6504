//! Converts the responses to a probe to the lines of an observation.
//!
//! [`mask`] alone decides which parts of a response are compared.

use std::collections::BTreeMap;

use crate::config::IgnoredMetadata;
use crate::http2::{Endpoint, Field, Stream, body, frame::error_name, value::shown};
use crate::outcome::Observation;
use crate::probe::exchange::Exchange;
use crate::probe::mask;
use crate::probe::table::Probe;

/// The outcome of an ordinary call to the calculator that the probe did not affect.
const ORDINARY: &str = "HTTP status 200, grpc-status 0, messages 0d00008040, initial metadata \
                        content-type: application/grpc; grpc-accept-encoding: identity, deflate, gzip, end END_STREAM";

/// What a server of the calculator did in response to `probe`, without the metadata that is `ignored`.
pub(crate) fn observation(
    probe: &Probe,
    exchange: &Exchange,
    ignored: &IgnoredMetadata,
) -> Observation {
    let Exchange { endpoint, next_call, .. } = exchange;
    let mut observation = Observation::default();
    let lines = Lines { is_closed: endpoint.is_closed, ignored };
    lines.add_streams(&mut observation, endpoint, probe.times > 1);
    observation.add("connection", end(endpoint, probe.ends_connection()));
    if let Some(stream) = next_call {
        let line = lines.in_one_line(stream);
        let is_ordinary = line == ORDINARY;
        observation.add("next call", if is_ordinary { "answered".to_owned() } else { line });
    }
    observation
}

/// How responses become lines.
#[derive(Clone, Copy)]
struct Lines<'a> {
    /// Whether the server has closed the connection.
    is_closed: bool,
    ignored: &'a IgnoredMetadata,
}

impl Lines<'_> {
    /// Adds the responses on all streams. If the requests are `repeated`, equal responses are counted instead.
    fn add_streams(self, observation: &mut Observation, endpoint: &Endpoint, repeated: bool) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (id, stream) in &endpoint.streams {
            if repeated {
                *counts.entry(self.in_one_line(stream)).or_default() += 1;
                continue;
            }
            for (what, value) in self.parts(stream) {
                observation.add(format!("stream {id}: {what}"), value);
            }
        }
        for (response, count) in counts {
            observation.add(format!("streams that end with {response}"), count.to_string());
        }
    }

    /// A response on one line.
    fn in_one_line(self, stream: &Stream) -> String {
        let parts = self.parts(stream).into_iter();
        parts.map(|(what, value)| format!("{what} {value}")).collect::<Vec<_>>().join(", ")
    }

    /// The parts of a response that are present.
    fn parts(self, stream: &Stream) -> Vec<(&'static str, String)> {
        let (initial, trailing) = match stream.blocks.split_last() {
            Some((last, blocks)) if stream.received_end => (blocks, &last[..]),
            _ => (&stream.blocks[..], &[][..]),
        };
        let initial = || initial.iter().flatten();
        let named = |name: &[u8]| {
            let mut fields = initial().chain(trailing);
            fields
                .find(|field| field.0 == name && mask::is_compared(field))
                .map(|field| &field.1[..])
        };
        let messages = Some(body::shown(&stream.data));
        let parts = [
            ("HTTP status", named(b":status").map(shown)),
            ("grpc-status", named(b"grpc-status").map(shown)),
            ("grpc-message", named(b"grpc-message").map(shown)),
            ("messages", messages.filter(|messages| !messages.is_empty())),
            ("initial metadata", self.metadata(initial())),
            ("trailing metadata", self.metadata(trailing.iter())),
            ("malformed", stream.malformed.clone()),
            ("end", Some(stream_end(stream, self.is_closed))),
        ];
        parts.into_iter().filter_map(|(what, value)| Some((what, value?))).collect()
    }

    /// Metadata sorted by name, or `None` if there is none. Values of the same name keep their order.
    fn metadata<'f>(self, fields: impl Iterator<Item = &'f Field>) -> Option<String> {
        const OWN_PARTS: [&[u8]; 3] = [b":status", b"grpc-status", b"grpc-message"];
        let is_ignored = |(name, _): &Field| self.ignored.has(&String::from_utf8_lossy(name));
        let mut fields: Vec<_> = fields
            .filter(|field| mask::is_compared(field) && !OWN_PARTS.contains(&&field.0[..]))
            .filter(|field| !is_ignored(field))
            .collect();
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        let field = |(name, value): &&Field| format!("{}: {}", shown(name), shown(value));
        let fields: Vec<_> = fields.iter().map(field).collect();
        (!fields.is_empty()).then(|| fields.join("; "))
    }
}

/// How a stream ended.
pub(crate) fn stream_end(stream: &Stream, is_closed: bool) -> String {
    let reset = stream.received_reset.map(|code| format!("RST_STREAM {}", error_name(code)));
    match (stream.received_end, reset) {
        _ if stream.sent_reset => "reset by the client".to_owned(),
        (true, Some(reset)) if !stream.sent_end => format!("END_STREAM, then {reset}"),
        (true, _) => "END_STREAM".to_owned(),
        (false, Some(reset)) => reset,
        (false, None) if is_closed => "the connection closed".to_owned(),
        (false, None) if stream.blocks.is_empty() => "no answer".to_owned(),
        (false, None) => "an answer without an end".to_owned(),
    }
}

/// A complete GOAWAY, including the parts that are not compared.
pub(crate) fn whole_goaway((code, debug): &(u32, Vec<u8>)) -> String {
    format!("(received GOAWAY {} {})", error_name(*code), shown(debug))
}

/// How the connection ended. `announced` is whether the client had announced its end.
pub(crate) fn end(endpoint: &Endpoint, announced: bool) -> String {
    let goaway = endpoint.goaway.as_ref();
    if announced && goaway.is_none_or(|(code, _)| *code == 0) {
        return "left by the client".to_owned();
    }
    let goaway = goaway.filter(|(code, _)| !endpoint.is_closed || mask::is_reason(*code));
    let goaway = goaway.map(|(code, data)| {
        let data = mask::debug_data(*code, data).map(|data| format!(" {}", shown(data)));
        format!("GOAWAY {}{}", error_name(*code), data.unwrap_or_default())
    });
    let closed = endpoint.is_closed.then(|| "closed".to_owned());
    let parts: Vec<_> = goaway.into_iter().chain(closed).collect();
    if parts.is_empty() { "open".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::{Lines, stream_end};
    use crate::config::IgnoredMetadata;
    use crate::http2::Field;
    use crate::http2::Stream;

    fn fields(fields: &[(&str, &str)]) -> Vec<Field> {
        fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn line(stream: &Stream) -> String {
        Lines { is_closed: false, ignored: &IgnoredMetadata::default() }.in_one_line(stream)
    }

    #[test]
    fn the_last_block_is_trailing_metadata_once_the_stream_has_ended() {
        let headers = fields(&[(":status", "200"), ("b", "2"), ("a", "1"), ("date", "today")]);
        let trailers = fields(&[("grpc-status", "2"), ("grpc-message", "%C3%A4%2"), ("x", "")]);
        let mut stream = Stream { blocks: vec![headers, trailers], ..Stream::default() };
        let common = "HTTP status 200, grpc-status 2, grpc-message %C3%A4%2, ";
        let open = "initial metadata a: 1; b: 2; x: , end an answer without an end";
        assert_eq!(line(&stream), format!("{common}{open}"));
        stream.received_end = true;
        let ended = "initial metadata a: 1; b: 2, trailing metadata x: , end END_STREAM";
        assert_eq!(line(&stream), format!("{common}{ended}"));
    }

    #[test]
    fn ignored_metadata_has_no_line() {
        let headers = fields(&[(":status", "200"), ("server", "nginx"), ("x", "1")]);
        let stream = Stream { blocks: vec![headers], ..Stream::default() };
        let ignored = IgnoredMetadata::default().with(&["server".to_owned()]);
        let lines = Lines { is_closed: false, ignored: &ignored };
        let expected = "HTTP status 200, initial metadata x: 1, end an answer without an end";
        assert_eq!(lines.in_one_line(&stream), expected);
    }

    #[test]
    fn a_reset_only_matters_while_the_request_is_sent() {
        let reset = Stream { received_reset: Some(0), ..Stream::default() };
        assert_eq!(stream_end(&reset, true), "RST_STREAM 0 NO_ERROR");
        let ended = Stream { received_end: true, ..reset };
        assert_eq!(stream_end(&ended, false), "END_STREAM, then RST_STREAM 0 NO_ERROR");
        let both = Stream { sent_end: true, ..ended };
        assert_eq!(stream_end(&both, false), "END_STREAM");
        assert_eq!(stream_end(&Stream::default(), true), "the connection closed");
        assert_eq!(stream_end(&Stream::default(), false), "no answer");
    }
}
