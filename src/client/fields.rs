//! The header fields of an answer: what grpcio cannot read, and the status that they say.
//!
//! grpcio reads fields in their order, and the first that it cannot read decides the call even where
//! the server says that all is well.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::percent_decode;
use tonic::{Code, Status};

use crate::parity::{header_fields, header_list};

pub(super) const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";

/// Fields that grpcio keeps to itself, beside those that make up a status.
const HIDDEN: [&str; 12] = [
    "content-type",
    "endpoint-load-metrics-bin",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-internal-encoding-request",
    "grpc-server-stats-bin",
    "grpc-tags-bin",
    "grpc-timeout",
    "grpc-trace-bin",
    "lb-cost-bin",
    "te",
    "x-envoy-peer-metadata",
];

/// Header fields after they have been read.
pub(super) struct Fields {
    /// What grpcio shows of them.
    pub(super) fields: HeaderMap,
    /// What is wrong with them.
    pub(super) broken: Option<Status>,
}

/// Reads the fields that came with `status`, or as trailers.
pub(super) fn read(sent: HeaderMap, status: Option<StatusCode>) -> Fields {
    let pseudo = status.map(|status| (":status", status.as_str().len()));
    let Err((index, broken)) = header_list::check([pseudo, None, None, None], &sent, true) else {
        return Fields { fields: sent, broken: None };
    };
    // It reads on behind a field that it cannot read, and not behind what is too much.
    let is_too_much = broken.code() == Code::ResourceExhausted;
    let read = sent.iter().take(if is_too_much { index } else { sent.len() });
    let fields = read.filter_map(|(name, value)| Some((name.clone(), remnant(name, value)?)));
    Fields { fields: fields.collect(), broken: Some(broken) }
}

/// What grpcio shows of a field, read or not.
fn remnant(name: &HeaderName, value: &HeaderValue) -> Option<HeaderValue> {
    if header_fields::check(name, value).is_ok() || !header_fields::is_legal_name(name) {
        return Some(value.clone());
    }
    match name.as_str() {
        // The values of numbers that have none yet.
        "grpc-previous-rpc-attempts" => Some(HeaderValue::from_static("0")),
        "grpc-retry-pushback-ms" => Some(HeaderValue::from(i64::MIN)),
        name if name.ends_with("-bin") => Some(HeaderValue::from_static("")),
        _ => None,
    }
}

/// The fields as metadata: what belongs to gRPC itself is gone.
pub(super) fn metadata(mut fields: HeaderMap) -> HeaderMap {
    for name in [STATUS, MESSAGE].into_iter().chain(HIDDEN) {
        fields.remove(name);
    }
    for (name, value) in &mut fields {
        if name.as_str().ends_with("-bin") {
            unpad(value);
        }
    }
    fields
}

/// Takes the padding from a binary value: grpcio reads any amount of it, and tonic only the right one.
fn unpad(value: &mut HeaderValue) {
    let padding = value.as_bytes().iter().rev().take_while(|byte| **byte == b'=').count();
    let unpadded = value.as_bytes().get(..value.len() - padding);
    if padding > 0
        && let Some(Ok(unpadded)) = unpadded.map(HeaderValue::from_bytes)
    {
        *value = unpadded;
    }
}

/// The fields as trailers, with `broken` for their status or with their own.
pub(super) fn trailers(fields: HeaderMap, broken: Option<Status>) -> HeaderMap {
    let status = broken.unwrap_or_else(|| status(&fields));
    with_status(metadata(fields), &status)
}

/// `fields`, saying `status` and no other.
pub(super) fn with_status(mut fields: HeaderMap, status: &Status) -> HeaderMap {
    fields.remove(MESSAGE);
    // It can only fail for metadata, of which this status has none.
    let _ = status.add_header(&mut fields);
    fields
}

/// Whether the trailers say that the call went well.
pub(super) fn are_ok(trailers: &HeaderMap) -> bool {
    trailers.get(STATUS).is_some_and(|status| status == "0")
}

/// The last status that the fields say.
fn status(fields: &HeaderMap) -> Status {
    let last = |name| fields.get_all(name).iter().next_back().map(HeaderValue::as_bytes);
    let Some(code) = last(STATUS) else { return Status::unknown("No status received") };
    let code = std::str::from_utf8(code).ok().and_then(|code| code.trim_ascii().parse().ok());
    let message = last(MESSAGE).map(message).unwrap_or_default();
    // A code that does not exist is UNKNOWN.
    Status::new(code.map_or(Code::Unknown, Code::from_i32), message)
}

/// A status message: percent-encoded, and if that is no UTF-8, Python reads it as Latin-1.
fn message(value: &[u8]) -> String {
    let bytes: Cow<'_, [u8]> = percent_decode(value).into();
    match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{message, read, trailers};
    use http::{HeaderMap, HeaderValue};

    fn status(fields: &[(&'static str, &'static str)]) -> (String, String) {
        let sent: HeaderMap = fields
            .iter()
            .map(|(name, value)| {
                (http::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect();
        let read = read(sent, None);
        let trailers = trailers(read.fields, read.broken);
        let of = |name| {
            trailers.get(name).map_or_else(String::new, |value: &HeaderValue| {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            })
        };
        (of("grpc-status"), of("grpc-message"))
    }

    #[test]
    fn codes() {
        let cases = [("5", "5"), ("007", "7"), ("+5", "5"), ("17", "2"), ("99", "2"), ("x", "13")];
        for (sent, expected) in cases {
            assert_eq!(status(&[("grpc-status", sent)]).0, expected, "{sent}");
        }
        assert_eq!(status(&[]), ("2".to_owned(), "No%20status%20received".to_owned()));
    }

    #[test]
    fn a_broken_field_decides() {
        let (code, text) = status(&[("grpc-status", "0"), ("x-bin", "!")]);
        assert_eq!((&code[..], text.contains("x-bin")), ("13", true));
    }

    #[test]
    fn messages() {
        let cases: [(&[u8], &str); 6] = [
            (b"plain", "plain"),
            (b"a%20b%25", "a b%"),
            (b"%E2%82%AC", "\u{20ac}"),
            ("\u{20ac}".as_bytes(), "\u{20ac}"),
            (b"%zz%4", "%zz%4"),
            (b"%ff\xc3", "\u{ff}\u{c3}"),
        ];
        for (sent, expected) in cases {
            assert_eq!(message(sent), expected);
        }
    }
}
