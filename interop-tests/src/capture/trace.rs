//! A trace: every event of a trial with its bytes and their meaning, as the record of a run stores it.
//!
//! A reader of the record needs no decoder: meanings are text, with the range of bytes they explain.

use grpc_interop_protocol::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http2::Role;

/// How many bytes are kept of a payload and of a message.
pub(crate) const KEPT: usize = 1024;

/// The frames and other events between client and server in one trial.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Trace {
    /// The reasons why frames of the trial are missing; empty if the trace is complete.
    pub(crate) notes: Vec<String>,
    /// The events in chronological order.
    pub(crate) events: Vec<Event>,
    /// The events that were omitted from the middle, if there were too many.
    pub(crate) left_out: Option<LeftOut>,
}

/// Events that were omitted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LeftOut {
    /// The number of events before the omitted ones.
    pub(crate) after: usize,
    /// The number of omitted events.
    pub(crate) events: usize,
}

/// One event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Event {
    /// Milliseconds since the first event of the trial.
    pub(crate) ms: f64,
    /// The number of the connection, starting at 1, in the order in which connections were made.
    pub(crate) connection: usize,
    /// The side that sent or did it.
    pub(crate) from: Role,
    /// The kind of event, with its data.
    pub(crate) what: EventKind,
}

/// The kinds of events.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum EventKind {
    /// A connection was made.
    Opened,
    /// The 24 bytes that an HTTP/2 client sends first.
    Preface(Bytes),
    /// A complete HTTP/2 frame.
    Frame(Frame),
    /// A frame that was sent only in part.
    CutOff(Frame),
    /// Bytes that are not HTTP/2.
    Bytes(Bytes),
    /// A TLS record; its content cannot be decrypted.
    TlsRecord(TlsRecord),
    /// The sender half-closed the connection: it sends nothing more.
    HalfClosed,
    /// The sender reset the connection or does not receive any more.
    Reset,
    /// The sender closed the connection.
    Closed,
}

/// A sequence of bytes, of which only the first are kept if it is long.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Bytes {
    /// Its length.
    pub(crate) length: usize,
    /// Its first bytes as hex digits.
    #[serde(rename = "hex", with = "hex")]
    #[schemars(with = "String")]
    pub(crate) kept: Vec<u8>,
    /// The number of bytes that are missing at the end of `hex`.
    pub(crate) left_out: usize,
}

/// An HTTP/2 frame.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Frame {
    /// The name of its type, such as `HEADERS`, or `frame of type 84` if RFC 9113 does not define it.
    pub(crate) name: String,
    /// The names of the flags that are set; unnamed bits as a hex number.
    pub(crate) flags: Vec<String>,
    /// Its stream; 0 is the connection.
    pub(crate) stream: u32,
    /// The 9 bytes of its header as hex digits, or fewer if it was cut off there.
    #[serde(with = "hex")]
    #[schemars(with = "String")]
    pub(crate) header: Vec<u8>,
    /// What follows the header; shorter than the header says if the frame was cut off.
    pub(crate) payload: Bytes,
    /// The meaning of the bytes of header and payload, without gaps.
    pub(crate) parts: Vec<Part>,
    /// The fields of the header block that ends with this frame (HEADERS, CONTINUATION).
    pub(crate) block: Option<HeaderBlock>,
    /// The length-prefixed messages that end in this frame (DATA).
    pub(crate) messages: Vec<Message>,
    /// The number of further messages that end in it.
    pub(crate) more_messages: usize,
}

/// A range of the bytes of a frame and its meaning.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Part {
    /// Where it starts, counted from the first byte of the frame's header.
    pub(crate) start: usize,
    /// Where it ends: the position after its last byte.
    pub(crate) end: usize,
    /// What it is, such as `length`, `error code`, `message`.
    pub(crate) name: String,
    /// Its value, such as `8 CANCEL`; empty if the bytes are the value.
    pub(crate) value: String,
}

/// A header block, assembled from its frames and decoded.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct HeaderBlock {
    /// The fields in their order.
    pub(crate) fields: Vec<Field>,
    /// The number of further fields.
    pub(crate) more_fields: usize,
    /// Why it cannot be decoded.
    pub(crate) error: Option<String>,
}

/// A header field. Bytes that are not printable ASCII are `\xNN`, long texts are truncated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Field {
    /// Its name, in lower case if it is legal.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: String,
}

/// A length-prefixed message.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Message {
    /// The compressed flag: 0 or 1 if it is legal.
    pub(crate) flag: u8,
    /// Where its prefix starts in the frame, counted as in `parts`; none if it started in an earlier
    /// frame.
    pub(crate) start: Option<usize>,
    /// Its bytes without the prefix.
    pub(crate) bytes: Bytes,
    /// Its protobuf fields, as far as they can be read without a schema.
    pub(crate) fields: Vec<ProtobufField>,
    /// Why fields are missing: it is compressed, not protobuf, or truncated.
    pub(crate) unread: Option<String>,
}

/// A field of a protobuf message, read without a schema.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ProtobufField {
    /// Its number.
    pub(crate) number: u32,
    /// Its wire type, such as `fixed32`.
    pub(crate) wire_type: String,
    /// Its value; fixed-width values as a float and in hex.
    pub(crate) value: String,
    /// Where its key starts, counted from the first byte of the message.
    pub(crate) start: usize,
    /// Where its value starts.
    pub(crate) value_start: usize,
    /// The position after its last byte.
    pub(crate) end: usize,
}

/// The readable part of a TLS record.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TlsRecord {
    /// The content type, such as `handshake` or `application data`.
    pub(crate) content_type: String,
    /// The 5 bytes of its header as hex digits: content type, version, length.
    #[serde(with = "hex")]
    #[schemars(with = "String")]
    pub(crate) header: Vec<u8>,
    /// The number of bytes after the header.
    pub(crate) length: usize,
}

impl Bytes {
    /// `bytes`, of which at most `limit` are kept.
    pub(crate) fn new(bytes: &[u8], limit: usize) -> Self {
        let mut new = Self::default();
        new.extend(bytes, limit);
        new
    }

    /// Appends `bytes`; those past `limit` are only counted.
    pub(crate) fn extend(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend(&bytes[..room]);
        self.length += bytes.len();
        self.left_out = self.length - self.kept.len();
    }

    /// Appends `more`, of which at least the first `limit` bytes are kept.
    pub(crate) fn append(&mut self, more: &Self, limit: usize) {
        self.extend(&more.kept, limit);
        self.length += more.left_out;
        self.left_out += more.left_out;
    }

    /// Keeps at most `limit` bytes.
    pub(crate) fn truncate(&mut self, limit: usize) {
        self.kept.truncate(limit);
        self.left_out = self.length - self.kept.len();
    }
}

impl Frame {
    /// The bytes of header and payload, as far as they are kept: `parts` are ranges of them.
    pub(crate) fn kept(&self) -> Vec<u8> {
        [&self.header[..], &self.payload.kept].concat()
    }
}

impl TlsRecord {
    pub(crate) fn new(header: [u8; 5]) -> Self {
        let [content_type, _, _, high, low] = header;
        let names = ["change cipher spec", "alert", "handshake", "application data"];
        let name = usize::from(content_type).checked_sub(20).and_then(|index| names.get(index));
        let content_type =
            name.map_or_else(|| format!("content type {content_type}"), |name| (*name).to_owned());
        let length = usize::from(u16::from_be_bytes([high, low]));
        Self { content_type, header: header.to_vec(), length }
    }
}
