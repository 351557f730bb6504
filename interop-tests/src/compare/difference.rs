//! The differences between the responses of two servers to the same call.
//!
//! Each difference has a subject: what differs, without indices, keys and values. Differences with the same subject
//! most likely have the same cause.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost_reflect::MessageDescriptor;

pub(crate) use crate::compare::message::ABSENT;
use crate::compare::message::{self, DifferenceKind, Encoding, MessageComparison};
use crate::compare::response::{CallEnd, Response, ResponseMessage};
use crate::config::{IgnoredPart, ResponsePart};
use crate::http2::Field;
use crate::http2::value::shown;
use crate::outcome::{comparison::Part, status};

/// The value for a server that responds to a probe, if the other one does not.
pub(crate) const RESPONDS: &str = "the server responds";

/// gRPC sends binary metadata with or without padding.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What differs, from the most to the least severe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// Whether the server responded at all, and how the call ended.
    End,
    HttpStatus,
    ContentType,
    /// The frames or the header blocks violate the protocol.
    Protocol,
    /// Another part of the response to a probe, such as `connection`.
    Wire(String),
    Status,
    /// What a case file states about the response.
    Expectation(String),
    /// The number of response messages.
    MessageCount,
    /// The same messages in another order.
    MessageOrder,
    /// A message that one side cannot decode.
    UndecodableMessage,
    /// A field of the response messages; its path without indices and keys.
    ResponseField(String, DifferenceKind),
    /// `grpc-status-details-bin` is on one side only, or cannot be decoded.
    Details,
    /// A field of the `google.rpc.Status` in `grpc-status-details-bin`.
    DetailsField(String, DifferenceKind),
    StatusMessage,
    /// Other characters of equal status messages are percent-encoded.
    StatusMessageEncoding,
    InitialMetadata(String),
    TrailingMetadata(String),
    /// Whether messages are compressed.
    Compression,
    /// Different bytes of equal messages.
    Encoding(Encoding),
    /// The candidate took much longer.
    Latency,
}

/// A difference between the response of the reference and that of the candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) subject: Subject,
    /// The place with indices and keys, such as `message 2: items[3].price`; the subject if there is nothing to add.
    pub(crate) place: String,
    pub(crate) reference: String,
    pub(crate) candidate: String,
}

impl Subject {
    /// Whether it is only the encoding of equal values.
    pub(crate) fn is_encoding(&self) -> bool {
        matches!(self, Self::Encoding(_))
    }

    /// The part of the response.
    pub(crate) fn part(&self) -> Part {
        match self {
            Self::End => Part::End,
            Self::HttpStatus => Part::HttpStatus,
            Self::ContentType => Part::ContentType,
            Self::Protocol => Part::Protocol,
            Self::Wire(_) => Part::Connection,
            Self::Status => Part::Status,
            Self::MessageCount => Part::MessageCount,
            Self::MessageOrder => Part::MessageOrder,
            Self::Expectation(_) => Part::Expectation,
            Self::UndecodableMessage => Part::UndecodableMessage,
            Self::ResponseField(..) => Part::ResponseField,
            Self::Details => Part::StatusDetails,
            Self::DetailsField(..) => Part::DetailsField,
            Self::StatusMessage => Part::StatusMessage,
            Self::StatusMessageEncoding => Part::StatusMessageEncoding,
            Self::InitialMetadata(_) => Part::InitialMetadata,
            Self::TrailingMetadata(_) => Part::TrailingMetadata,
            Self::Compression => Part::Compression,
            Self::Encoding(_) => Part::Encoding,
            Self::Latency => Part::Latency,
        }
    }

    /// The path of the field or the name of the metadata.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::ResponseField(name, _)
            | Self::DetailsField(name, _)
            | Self::InitialMetadata(name)
            | Self::TrailingMetadata(name)
            | Self::Wire(name) => Some(name),
            _ => None,
        }
    }

    /// How the field or the encoding differs.
    pub(crate) fn how(&self) -> Option<String> {
        match self {
            Self::ResponseField(_, kind) | Self::DetailsField(_, kind) => Some(kind.to_string()),
            Self::Encoding(encoding) => Some(encoding.to_string()),
            _ => None,
        }
    }

    /// What an `[[ignore]]` entry names to accept it; `None` if no entry can.
    pub(crate) fn ignored_part(&self) -> Option<IgnoredPart> {
        Some(match self {
            Self::ResponseField(path, _) | Self::DetailsField(path, _) => {
                IgnoredPart::Field(path.clone())
            }
            Self::InitialMetadata(name) | Self::TrailingMetadata(name) => {
                IgnoredPart::Metadata(name.clone())
            }
            Self::HttpStatus => IgnoredPart::Part(ResponsePart::HttpStatus),
            Self::ContentType => IgnoredPart::Part(ResponsePart::ContentType),
            Self::Status => IgnoredPart::Part(ResponsePart::Status),
            Self::StatusMessage | Self::StatusMessageEncoding => {
                IgnoredPart::Part(ResponsePart::StatusMessage)
            }
            Self::Details => IgnoredPart::Part(ResponsePart::StatusDetails),
            Self::MessageCount => IgnoredPart::Part(ResponsePart::MessageCount),
            Self::MessageOrder => IgnoredPart::Part(ResponsePart::MessageOrder),
            Self::Compression => IgnoredPart::Part(ResponsePart::Compression),
            Self::Encoding(_) => IgnoredPart::Part(ResponsePart::Encoding),
            Self::End
            | Self::Protocol
            | Self::Expectation(_)
            | Self::Wire(_)
            | Self::UndecodableMessage
            | Self::Latency => return None,
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("end of the call"),
            Self::HttpStatus => f.write_str("HTTP status"),
            Self::ContentType => f.write_str("content-type"),
            Self::Protocol => f.write_str("protocol violation"),
            Self::Wire(what) => f.write_str(what),
            Self::Status => f.write_str("status"),
            Self::Expectation(part) => write!(f, "expectation: {part}"),
            Self::MessageCount => f.write_str("number of messages"),
            Self::MessageOrder => f.write_str("order of messages"),
            Self::UndecodableMessage => f.write_str("undecodable message"),
            Self::ResponseField(path, kind) => write!(f, "{path} ({kind})"),
            Self::Details => f.write_str("status details"),
            Self::DetailsField(path, kind) => write!(f, "status details: {path} ({kind})"),
            Self::StatusMessage => f.write_str("status message"),
            Self::StatusMessageEncoding => f.write_str("encoding of the status message"),
            Self::InitialMetadata(name) => write!(f, "initial metadata {name}"),
            Self::TrailingMetadata(name) => write!(f, "trailing metadata {name}"),
            Self::Compression => f.write_str("compression"),
            Self::Encoding(encoding) => write!(f, "encoding ({encoding})"),
            Self::Latency => f.write_str("latency"),
        }
    }
}

/// The types of the messages in a response.
#[derive(Clone, Debug)]
pub(crate) struct ResponseTypes {
    /// The type of the response messages.
    pub(crate) message: MessageDescriptor,
    /// `google.rpc.Status`, whose pool has the types of its details.
    pub(crate) status: MessageDescriptor,
}

/// The differences between two responses.
pub(crate) fn differences(
    types: &ResponseTypes,
    reference: &Response,
    candidate: &Response,
) -> Vec<Difference> {
    let mut found = Found::default();
    found.texts(Subject::End, &reference.end.to_string(), &candidate.end.to_string());
    if reference.end != candidate.end && (is_missing(reference) || is_missing(candidate)) {
        // Everything else differs too, for the same cause.
        return found.0;
    }
    found.texts(Subject::HttpStatus, &reference.http_status, &candidate.http_status);
    found.texts(Subject::ContentType, &reference.content_type, &candidate.content_type);
    found.texts(Subject::Status, &status_name(&reference.status), &status_name(&candidate.status));
    let [one, other] = [reference, candidate].map(|response| shown(&response.status_message));
    found.texts(Subject::StatusMessage, &one, &other);
    if one == other {
        let [one, other] = [reference, candidate].map(|response| shown(&response.encoded_message));
        found.texts(Subject::StatusMessageEncoding, &one, &other);
    }
    found.details(types, reference.details.as_deref(), candidate.details.as_deref());
    found.metadata(Subject::InitialMetadata, &reference.initial, &candidate.initial);
    found.metadata(Subject::TrailingMetadata, &reference.trailing, &candidate.trailing);
    let [one, other] = [reference, candidate].map(violation);
    found.texts(Subject::Protocol, &one, &other);
    found.messages(&types.message, &reference.messages, &candidate.messages);
    found.0
}

/// Whether there is no response.
fn is_missing(response: &Response) -> bool {
    matches!(response.end, CallEnd::Refused(_) | CallEnd::Exited(_) | CallEnd::TimedOut)
}

/// The name of a status with its number, which is `code` as text.
pub(crate) fn status_name(code: &str) -> String {
    let name = code.parse::<usize>().ok().and_then(|code| status::NAMES.get(code));
    name.map_or_else(|| code.to_owned(), |name| format!("{name} ({code})"))
}

fn violation(response: &Response) -> String {
    let rest =
        (response.rest > 0).then(|| format!("{} bytes of an incomplete message", response.rest));
    response.malformed.iter().cloned().chain(rest).collect::<Vec<_>>().join(", ")
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, subject: Subject, place: String, reference: &str, candidate: &str) {
        let text = |text: &str| if text.is_empty() { ABSENT } else { text }.to_owned();
        let (reference, candidate) = (text(reference), text(candidate));
        self.0.push(Difference { subject, place, reference, candidate });
    }

    fn texts(&mut self, subject: Subject, reference: &str, candidate: &str) {
        if reference != candidate {
            let place = subject.to_string();
            self.add(subject, place, reference, candidate);
        }
    }

    fn metadata(
        &mut self,
        subject: fn(String) -> Subject,
        reference: &[Field],
        candidate: &[Field],
    ) {
        let mut names: Vec<_> =
            reference.iter().chain(candidate).map(|(name, _)| &name[..]).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            // Values of the same name have an order.
            let values = |fields: &[Field]| {
                let values = fields.iter().filter(|field| field.0 == name);
                let values = values.map(|(_, value)| format!("\"{}\"", shown(value)));
                values.collect::<Vec<_>>().join(", ")
            };
            self.texts(subject(shown(name)), &values(reference), &values(candidate));
        }
    }

    fn details(
        &mut self,
        types: &ResponseTypes,
        reference: Option<&[u8]>,
        candidate: Option<&[u8]>,
    ) {
        if reference == candidate {
            return;
        }
        let decoded = |value: Option<&[u8]>| BASE64.decode(value?).ok();
        if let (Some(one), Some(other)) = (decoded(reference), decoded(candidate)) {
            let subject = Subject::DetailsField;
            if self.message(&types.status, "status details: ", subject, &one, &other) {
                return;
            }
        }
        let text = |value: Option<&[u8]>| value.map(shown).unwrap_or_default();
        self.texts(Subject::Details, &text(reference), &text(candidate));
    }

    fn messages(
        &mut self,
        of: &MessageDescriptor,
        reference: &[ResponseMessage],
        candidate: &[ResponseMessage],
    ) {
        if reference == candidate {
            return;
        }
        if reference.len() == candidate.len() && is_reordered(reference, candidate) {
            let order = |messages: &[ResponseMessage]| {
                let bytes = |message: &ResponseMessage| shown_bytes(message);
                messages.iter().map(bytes).collect::<Vec<_>>().join("; ")
            };
            self.texts(Subject::MessageOrder, &order(reference), &order(candidate));
            return;
        }
        let [one, other] = [reference, candidate].map(|messages| messages.len().to_string());
        self.texts(Subject::MessageCount, &one, &other);
        for (index, (one, other)) in reference.iter().zip(candidate).enumerate() {
            let place = if reference.len().max(candidate.len()) == 1 {
                String::new()
            } else {
                format!("message {}: ", index + 1)
            };
            if one.is_compressed != other.is_compressed {
                let how = |it: &ResponseMessage| {
                    if it.is_compressed { "compressed" } else { "not compressed" }
                };
                self.add(Subject::Compression, format!("{place}compression"), how(one), how(other));
            }
            let is_explained = match (&one.bytes, &other.bytes) {
                (Ok(one), Ok(other)) => {
                    self.message(of, &place, Subject::ResponseField, one, other)
                }
                (one, other) => one == other,
            };
            if !is_explained {
                let place = format!("{place}bytes");
                let (one, other) = (shown_bytes(one), shown_bytes(other));
                self.add(Subject::UndecodableMessage, place, &one, &other);
            }
        }
    }

    /// Compares two messages; returns false if they cannot be decoded.
    fn message(
        &mut self,
        of: &MessageDescriptor,
        place: &str,
        subject: fn(String, DifferenceKind) -> Subject,
        reference: &[u8],
        candidate: &[u8],
    ) -> bool {
        match message::compare(of, reference, candidate) {
            MessageComparison::Same => {}
            MessageComparison::SameValue(encodings) => {
                for message::EncodingDifference { encoding, path } in encodings {
                    let [one, other] =
                        [reference, candidate].map(grpc_interop_protocol::hex::encode);
                    let (one, other) = (shortened(&one), shortened(&other));
                    self.add(Subject::Encoding(encoding), format!("{place}{path}"), &one, &other);
                }
            }
            MessageComparison::Different(differences) => {
                for difference in differences.listed {
                    let message::FieldDifference { path, kind, reference, candidate } = difference;
                    let subject = subject(path.pattern(), kind);
                    self.add(subject, format!("{place}{path}"), &reference, &candidate);
                }
            }
            MessageComparison::Undecodable { .. } => return false,
        }
        true
    }
}

/// Whether two lists have the same messages in another order.
fn is_reordered(reference: &[ResponseMessage], candidate: &[ResponseMessage]) -> bool {
    let sorted = |messages: &[ResponseMessage]| {
        let mut bytes: Vec<_> = messages.iter().map(|message| message.bytes.clone()).collect();
        bytes.sort();
        bytes
    };
    sorted(reference) == sorted(candidate)
        && reference.iter().map(|it| &it.bytes).ne(candidate.iter().map(|it| &it.bytes))
}

fn shown_bytes(message: &ResponseMessage) -> String {
    match &message.bytes {
        Ok(bytes) if bytes.is_empty() => "empty".to_owned(),
        Ok(bytes) => shortened(&grpc_interop_protocol::hex::encode(bytes)),
        Err(why) => why.clone(),
    }
}

/// `hex` without its middle if it is long.
fn shortened(hex: &str) -> String {
    const END: usize = 64;
    match (hex.get(..END), hex.len().checked_sub(END).and_then(|at| hex.get(at..))) {
        (Some(start), Some(end)) if hex.len() > 2 * END => {
            format!("{start}…{end} ({} bytes)", hex.len() / 2)
        }
        _ => hex.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::test_service;
    use crate::http2::Stream;

    fn types() -> ResponseTypes {
        crate::compare::suite::response_types(&test_service::method("Watch"), &test_service::pool())
            .expect("the built-in descriptors are valid")
    }

    fn fields(fields: &[(&str, &str)]) -> Vec<Field> {
        fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    /// A response with these messages, and with these fields in its trailers.
    fn response(messages: &[&[u8]], trailers: &[(&str, &str)]) -> Response {
        let message = |message: &&[u8]| {
            let length = u32::try_from(message.len()).expect("it is short").to_be_bytes();
            [&[0], &length[..], message].concat()
        };
        let blocks = vec![fields(&[(":status", "200")]), fields(trailers)];
        let data = messages.iter().flat_map(message).collect();
        Response::new(Stream { blocks, data, received_end: true, ..Stream::default() }, None)
    }

    #[track_caller]
    fn shown(reference: &Response, candidate: &Response) -> Vec<String> {
        let differences = differences(&types(), reference, candidate);
        let line = |it: &Difference| {
            format!("{}; {}: {} / {}", it.subject, it.place, it.reference, it.candidate)
        };
        differences.iter().map(line).collect()
    }

    const OK: (&str, &str) = ("grpc-status", "0");

    #[test]
    fn equal_responses_have_no_difference() {
        let response = response(&[b"\x0a\x03pen"], &[OK, ("a", "1")]);
        assert_eq!(shown(&response, &response), Vec::<String>::new());
    }

    #[test]
    fn statuses_texts_and_metadata_are_compared() {
        let one = response(&[], &[("grpc-status", "5"), ("grpc-message", "no%20pen"), ("a", "1")]);
        let other = response(&[], &[("grpc-status", "2"), ("grpc-message", "no"), ("b", "1")]);
        let expected = [
            "status; status: NOT_FOUND (5) / UNKNOWN (2)",
            "status message; status message: no pen / no",
            "trailing metadata a; trailing metadata a: \"1\" / (absent)",
            "trailing metadata b; trailing metadata b: (absent) / \"1\"",
        ];
        assert_eq!(shown(&one, &other), expected);
    }

    #[test]
    fn messages_are_compared_by_field() {
        let one = response(&[b"\x0a\x03pen", b"\x18\x01"], &[OK]);
        let other = response(&[b"\x0a\x03pen", b"\x18\x02"], &[OK]);
        let expected = "colour (enum-number); message 2: colour: RED (1) / BLUE (2)";
        assert_eq!(shown(&one, &other), [expected]);
        let fewer = response(&[b"\x0a\x03pen"], &[OK]);
        assert_eq!(shown(&one, &fewer), ["number of messages; number of messages: 2 / 1"]);
        let reordered = response(&[b"\x18\x01", b"\x0a\x03pen"], &[OK]);
        assert!(shown(&one, &reordered)[0].starts_with("order of messages; "));
    }

    #[test]
    fn other_bytes_for_equal_values_are_only_an_encoding() {
        let one = response(&[b"\x0a\x03pen\x18\x01"], &[OK]);
        let other = response(&[b"\x18\x01\x0a\x03pen"], &[OK]);
        let differences = differences(&types(), &one, &other);
        assert_eq!(differences.len(), 1);
        assert_eq!(differences[0].subject, Subject::Encoding(Encoding::FieldOrder));
    }

    #[test]
    fn a_message_that_cannot_be_decoded_never_counts_as_equal() {
        let one = response(&[b"\x0a\x09pen"], &[OK]);
        let other = response(&[b"\x0a\x08pen"], &[OK]);
        assert_eq!(shown(&one, &other), ["undecodable message; bytes: 0a0970656e / 0a0870656e"]);
        assert_eq!(shown(&one, &one), Vec::<String>::new(), "equal bytes are equal");
    }

    #[test]
    fn status_details_are_decoded() {
        // code 5, message "no", and a google.rpc.ErrorInfo with another reason.
        let details = |reason: u8| {
            let any = b"\x1a\x31\x0a\x28type.googleapis.com/google.rpc.ErrorInfo\x12\x05\x0a\x03ab";
            let bytes = [&b"\x08\x05\x12\x02no"[..], any, &[reason]].concat();
            BASE64.encode(bytes)
        };
        let of = |reason| {
            response(&[], &[("grpc-status", "5"), ("grpc-status-details-bin", &details(reason))])
        };
        let path = "details[0][google.rpc.ErrorInfo].reason";
        let expected = format!(
            "status details: details[][google.rpc.ErrorInfo].reason (value); status details: {path}: \"abc\" / \"abd\""
        );
        assert_eq!(shown(&of(b'c'), &of(b'd')), [expected]);
        let without = response(&[], &[("grpc-status", "5")]);
        assert!(shown(&of(b'c'), &without)[0].starts_with("status details; status details: "));
    }

    #[test]
    fn timeout_crash_refusal_and_response_are_distinct() {
        let response = response(&[], &[OK]);
        let ends = [
            CallEnd::TimedOut,
            CallEnd::Exited("with status 1".to_owned()),
            CallEnd::Refused("refused".to_owned()),
        ];
        let mut all: Vec<_> = ends.into_iter().map(Response::without_answer).collect();
        all.push(response);
        for (index, one) in all.iter().enumerate() {
            for other in all.iter().skip(index + 1) {
                assert_eq!(shown(one, other).len(), 1);
                assert!(shown(one, other)[0].starts_with("end of the call; "));
            }
        }
    }
}
