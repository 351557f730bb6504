//! The header fields of a response: their validity, the metadata and the status.
//!
//! grpcio parses the fields in order. The first invalid field fails the call, even if the server
//! sends OK.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::percent_decode;
use tonic::{Code, Status};

use crate::grpcio::wire::header_field;
use crate::grpcio::wire::header_list;

pub(super) const GRPC_STATUS: &str = "grpc-status";
const GRPC_MESSAGE: &str = "grpc-message";

/// Fields that grpcio hides from the application, in addition to the status.
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

/// Header fields after parsing.
pub(super) struct ParsedFields {
    /// The fields as grpcio presents them.
    pub(super) fields: HeaderMap,
    /// The status for the first invalid field.
    pub(super) error: Option<Status>,
}

/// Parses the header fields of a response with this HTTP status, or trailers if there is none.
pub(super) fn parse(sent: HeaderMap, status: Option<StatusCode>) -> ParsedFields {
    let pseudo = status.map(|status| (":status", status.as_str().len()));
    let Err((index, error)) = header_list::check([pseudo, None, None, None], &sent, true) else {
        return ParsedFields { fields: sent, error: None };
    };
    // grpcio continues after an invalid field, but not after the limit.
    let is_too_large = error.code() == Code::ResourceExhausted;
    let parsed = sent.iter().take(if is_too_large { index } else { sent.len() });
    let fields = parsed.filter_map(|(name, value)| Some((name.clone(), presented(name, value)?)));
    ParsedFields { fields: fields.collect(), error: Some(error) }
}

/// The value that grpcio presents for a field, valid or not.
fn presented(name: &HeaderName, value: &HeaderValue) -> Option<HeaderValue> {
    if header_field::check(name, value).is_ok() || !header_field::is_valid_name(name) {
        return Some(value.clone());
    }
    match name.as_str() {
        // The initial values of these numbers in grpcio.
        "grpc-previous-rpc-attempts" => Some(HeaderValue::from_static("0")),
        "grpc-retry-pushback-ms" => Some(HeaderValue::from(i64::MIN)),
        name if name.ends_with("-bin") => Some(HeaderValue::from_static("")),
        _ => None,
    }
}

/// The fields as metadata, without those of gRPC itself.
pub(super) fn metadata(mut fields: HeaderMap) -> HeaderMap {
    for name in [GRPC_STATUS, GRPC_MESSAGE].into_iter().chain(HIDDEN) {
        fields.remove(name);
    }
    for (name, value) in &mut fields {
        if name.as_str().ends_with("-bin") {
            strip_padding(value);
        }
    }
    fields
}

/// Strips the padding of a binary value: grpcio accepts any amount of it, tonic only the correct
/// one.
fn strip_padding(value: &mut HeaderValue) {
    let padding = value.as_bytes().iter().rev().take_while(|byte| **byte == b'=').count();
    let unpadded = value.as_bytes().get(..value.len() - padding);
    if padding > 0
        && let Some(Ok(unpadded)) = unpadded.map(HeaderValue::from_bytes)
    {
        *value = unpadded;
    }
}

/// The fields as trailers, with `error` as their status if there is one.
pub(super) fn trailers(fields: HeaderMap, error: Option<Status>) -> HeaderMap {
    let status = error.unwrap_or_else(|| status(&fields));
    with_status(metadata(fields), &status)
}

/// Replaces the status in `fields`.
pub(super) fn with_status(mut fields: HeaderMap, status: &Status) -> HeaderMap {
    fields.remove(GRPC_MESSAGE);
    // Fails only for metadata, of which the status has none.
    let _ = status.add_header(&mut fields);
    fields
}

/// Whether the status in the trailers is OK.
pub(super) fn are_ok(trailers: &HeaderMap) -> bool {
    trailers.get(GRPC_STATUS).is_some_and(|status| status == "0")
}

/// The status in the fields; if it is repeated, the last one.
fn status(fields: &HeaderMap) -> Status {
    let last = |name| fields.get_all(name).iter().next_back().map(HeaderValue::as_bytes);
    let Some(code) = last(GRPC_STATUS) else { return Status::unknown("No status received") };
    let code = std::str::from_utf8(code).ok().and_then(|code| code.trim_ascii().parse().ok());
    let message = last(GRPC_MESSAGE).map(message).unwrap_or_default();
    // An undefined code is UNKNOWN.
    Status::new(code.map_or(Code::Unknown, Code::from_i32), message)
}

/// Decodes a status message: percent-encoded UTF-8, or Latin-1 as in Python if it is not UTF-8.
fn message(value: &[u8]) -> String {
    let bytes: Cow<'_, [u8]> = percent_decode(value).into();
    match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{message, parse, trailers};
    use http::{HeaderMap, HeaderValue};

    fn status(fields: &[(&'static str, &'static str)]) -> (String, String) {
        let sent: HeaderMap = fields
            .iter()
            .map(|(name, value)| {
                (http::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect();
        let parsed = parse(sent, None);
        let trailers = trailers(parsed.fields, parsed.error);
        let of = |name| {
            trailers.get(name).map_or_else(String::new, |value: &HeaderValue| {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            })
        };
        (of("grpc-status"), of("grpc-message"))
    }

    #[test]
    fn status_codes_are_parsed_as_in_grpcio() {
        let cases = [("5", "5"), ("007", "7"), ("+5", "5"), ("17", "2"), ("99", "2"), ("x", "13")];
        for (sent, expected) in cases {
            assert_eq!(status(&[("grpc-status", sent)]).0, expected, "{sent}");
        }
        assert_eq!(status(&[]), ("2".to_owned(), "No%20status%20received".to_owned()));
    }

    #[test]
    fn an_invalid_field_determines_the_status() {
        let (code, text) = status(&[("grpc-status", "0"), ("x-bin", "!")]);
        assert_eq!((&code[..], text.contains("x-bin")), ("13", true));
    }

    #[test]
    fn status_messages_are_decoded_as_in_python() {
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
