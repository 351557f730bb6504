//! The response of a server to a call, divided into the parts that are compared.
//!
//! A response without messages may be a single header block (Trailers-Only). Its metadata counts as trailing metadata,
//! as in every gRPC library.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use flate2::read::{GzDecoder, ZlibDecoder};
use percent_encoding::percent_decode;

use crate::http2::frame::error_name;
use crate::http2::value::shown;
use crate::http2::{Field, Stream};

/// The largest message after decompression, in bytes. A compressed message that is larger counts as undecodable.
const LARGEST_MESSAGE: u64 = 256 << 20;

/// How many messages of a response that is too long are compared.
const COMPARED_OF_TOO_LONG: usize = 10;

/// The header fields that are compared as parts of their own, not as metadata.
const OWN_PARTS: [&str; 5] =
    [":status", "content-type", "grpc-status", "grpc-message", "grpc-status-details-bin"];

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) end: CallEnd,
    pub(crate) http_status: String,
    pub(crate) content_type: String,
    /// The value of `grpc-status`; empty if it is missing.
    pub(crate) status: String,
    /// The decoded value of `grpc-message`.
    pub(crate) status_message: Vec<u8>,
    /// The value of `grpc-message` as it was sent.
    pub(crate) encoded_message: Vec<u8>,
    /// The value of `grpc-status-details-bin` in base64, if there is one.
    pub(crate) details: Option<Vec<u8>>,
    pub(crate) initial: Vec<Field>,
    pub(crate) trailing: Vec<Field>,
    pub(crate) messages: Vec<ResponseMessage>,
    /// How many bytes follow the last complete message.
    pub(crate) rest: usize,
    /// The violation of the protocol, if there is one.
    pub(crate) malformed: Option<String>,
    pub(crate) duration: Duration,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallEnd {
    /// The server ended the stream.
    EndStream,
    /// The server reset the stream with this code.
    Reset(u32),
    /// The connection ended; the code of GOAWAY, if there was one.
    ConnectionClosed(Option<u32>),
    /// The server did not end the call within the limit.
    TimedOut,
    /// The response is longer than what is compared.
    TooLong,
    /// No connection could be opened.
    Refused(String),
    /// The server process exited, with this status or signal.
    Exited(String),
}

/// A message of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResponseMessage {
    pub(crate) is_compressed: bool,
    /// The bytes after decompression; the error is why they could not be decompressed.
    pub(crate) bytes: Result<Vec<u8>, String>,
}

impl CallEnd {
    /// Whether the server process ended.
    pub(crate) fn is_exit(&self) -> bool {
        matches!(self, Self::Exited(_))
    }
}

impl Response {
    /// The response on `stream`. `missing` is why the stream has no end.
    pub(crate) fn new(stream: Stream, missing: Option<CallEnd>) -> Self {
        let end = missing.unwrap_or(match stream.received_reset {
            Some(code) if !stream.received_end => CallEnd::Reset(code),
            _ => CallEnd::EndStream,
        });
        let Stream { mut blocks, data, malformed, received_end, .. } = stream;
        blocks.iter_mut().flatten().for_each(in_base64);
        let trailing = if received_end { blocks.pop().unwrap_or_default() } else { Vec::new() };
        let initial: Vec<_> = blocks.into_iter().flatten().collect();
        let find = |name: &str| {
            let mut fields = trailing.iter().chain(&initial);
            fields.find(|field| field.0 == name.as_bytes()).map(|field| &field.1[..])
        };
        let text = |name| find(name).map(shown).unwrap_or_default();
        let encoding = find("grpc-encoding").unwrap_or_default();
        let encoded_message = find("grpc-message").unwrap_or_default();
        let (mut messages, mut rest) = messages(&data, encoding);
        if end == CallEnd::TooLong {
            // How much more had been read depends on time.
            messages.truncate(COMPARED_OF_TOO_LONG);
            rest = 0;
        }
        Self {
            end,
            http_status: text(":status"),
            content_type: text("content-type"),
            status: text("grpc-status"),
            status_message: percent_decode(encoded_message).collect(),
            encoded_message: encoded_message.to_vec(),
            details: find("grpc-status-details-bin").map(<[u8]>::to_vec),
            initial: initial.into_iter().filter(is_metadata).collect(),
            trailing: trailing.into_iter().filter(is_metadata).collect(),
            messages,
            rest,
            malformed,
            duration: Duration::ZERO,
        }
    }

    /// The outcome of a call to which the server sent nothing.
    pub(crate) fn without_answer(end: CallEnd) -> Self {
        Self::new(Stream::default(), Some(end))
    }

    /// Whether the call ended with the status OK.
    pub(crate) fn is_ok(&self) -> bool {
        self.end == CallEnd::EndStream && self.status == "0"
    }
}

/// Encodes binary metadata in base64 if it was sent as it is, after a zero byte.
///
/// A client that accepts this form announces it in its SETTINGS (gRPC proposal G1). It also accepts the other form, and
/// its library decodes both.
fn in_base64((name, value): &mut Field) {
    if name.ends_with(b"-bin")
        && let Some(raw) = value.strip_prefix(b"\0")
    {
        *value = STANDARD_NO_PAD.encode(raw).into_bytes();
    }
}

fn is_metadata((name, _): &Field) -> bool {
    !OWN_PARTS.iter().any(|own| own.as_bytes() == name)
}

/// The complete messages in `data`, and the number of bytes behind them.
pub(crate) fn messages(data: &[u8], encoding: &[u8]) -> (Vec<ResponseMessage>, usize) {
    let (mut messages, mut rest) = (Vec::new(), data);
    while let Some(([flag, length @ ..], after)) = rest.split_first_chunk::<5>() {
        let length = u32::from_be_bytes(*length);
        let Some((message, after)) =
            usize::try_from(length).ok().and_then(|length| after.split_at_checked(length))
        else {
            break;
        };
        let bytes = match flag {
            0 => Ok(message.to_vec()),
            1 => decompressed(message, encoding),
            flag => Err(format!("its compression flag is {flag}")),
        };
        messages.push(ResponseMessage { is_compressed: *flag == 1, bytes });
        rest = after;
    }
    (messages, rest.len())
}

fn decompressed(message: &[u8], encoding: &[u8]) -> Result<Vec<u8>, String> {
    let decoder: &mut dyn Read = match encoding {
        b"gzip" => &mut GzDecoder::new(message),
        b"deflate" => &mut ZlibDecoder::new(message),
        other => return Err(format!("it is compressed with `{}`", shown(other))),
    };
    let mut bytes = Vec::new();
    match decoder.take(LARGEST_MESSAGE).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("it cannot be decompressed: {error}")),
    }
}

impl fmt::Display for CallEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndStream => f.write_str("END_STREAM"),
            Self::Reset(code) => write!(f, "RST_STREAM {}", error_name(*code)),
            Self::ConnectionClosed(None) => f.write_str("the connection closed"),
            Self::ConnectionClosed(Some(code)) => {
                write!(f, "the connection closed with GOAWAY {}", error_name(*code))
            }
            Self::TooLong => f.write_str("cancelled, because the response is too long"),
            Self::TimedOut => f.write_str("no end within the time limit"),
            Self::Refused(why) => write!(f, "the server refused the connection: {why}"),
            Self::Exited(how) => write!(f, "the server exited {how}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, read::GzEncoder};

    fn fields(fields: &[(&str, &str)]) -> Vec<Field> {
        fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn response(blocks: Vec<Vec<Field>>, data: Vec<u8>) -> Response {
        Response::new(Stream { blocks, data, received_end: true, ..Stream::default() }, None)
    }

    #[test]
    fn a_response_is_divided_into_its_parts() {
        let headers =
            fields(&[(":status", "200"), ("content-type", "application/grpc"), ("a", "1")]);
        let trailers = fields(&[("grpc-status", "5"), ("grpc-message", "no%20pen"), ("b", "2")]);
        let response = response(vec![headers, trailers], b"\0\0\0\0\x02ab\0\0\0\0\x09c".to_vec());
        assert_eq!((&*response.http_status, &*response.status), ("200", "5"));
        assert_eq!(response.status_message, b"no pen");
        assert_eq!(response.encoded_message, b"no%20pen");
        assert_eq!(response.initial, fields(&[("a", "1")]));
        assert_eq!(response.trailing, fields(&[("b", "2")]));
        assert_eq!(response.messages.len(), 1);
        assert_eq!((response.messages[0].bytes.as_deref(), response.rest), (Ok(&b"ab"[..]), 6));
        assert!(response.end == CallEnd::EndStream && !response.is_ok());
    }

    #[test]
    fn the_metadata_of_a_single_header_block_is_trailing_metadata() {
        let response = response(
            vec![fields(&[(":status", "200"), ("grpc-status", "0"), ("a", "1")])],
            Vec::new(),
        );
        assert_eq!((response.initial, response.trailing), (Vec::new(), fields(&[("a", "1")])));
    }

    #[test]
    fn binary_metadata_is_in_base64() {
        let headers = fields(&[("a-bin", "\0\u{7f}"), ("b-bin", "fw"), ("c", "\0")]);
        let trailers = fields(&[("grpc-status-details-bin", "\0")]);
        let response = response(vec![headers, trailers], Vec::new());
        assert_eq!(response.initial, fields(&[("a-bin", "fw"), ("b-bin", "fw"), ("c", "\0")]));
        assert_eq!(response.details, Some(Vec::new()));
    }

    #[test]
    fn messages_are_decompressed() {
        let mut compressed = Vec::new();
        GzEncoder::new(&b"text"[..], Compression::default())
            .read_to_end(&mut compressed)
            .expect("it reads from memory");
        let length = u32::try_from(compressed.len()).expect("it is short").to_be_bytes();
        let data = [&[1], &length[..], &compressed].concat();
        let with = |encoding: &str| {
            let headers = fields(&[("grpc-encoding", encoding)]);
            response(vec![headers, Vec::new()], data.clone()).messages.remove(0)
        };
        assert_eq!(
            with("gzip"),
            ResponseMessage { is_compressed: true, bytes: Ok(b"text".to_vec()) }
        );
        let error = |encoding| with(encoding).bytes.expect_err("it is gzip");
        assert!(error("deflate").starts_with("it cannot be decompressed: "));
        assert_eq!(error("br"), "it is compressed with `br`");
    }

    #[test]
    fn a_call_without_an_end_is_not_ok() {
        let reset = Stream { received_reset: Some(8), ..Stream::default() };
        assert_eq!(Response::new(reset, None).end, CallEnd::Reset(8));
        let timed_out = Response::without_answer(CallEnd::TimedOut);
        assert!(!timed_out.is_ok() && timed_out.messages.is_empty());
    }
}
