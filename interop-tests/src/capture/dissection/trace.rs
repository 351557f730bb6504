//! A trace as it is kept: every event with its bytes, and what each of them says.
//!
//! A reader needs no decoder: what a report shows stands here as text, and the ranges say which bytes
//! it is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capture::recorder::Sender;

/// What went over the wire between client and server in one trial.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Why there is less here than all frames of the trial; empty when everything is here.
    pub notes: Vec<String>,
    /// What happened, in the order of time.
    pub events: Vec<Event>,
    /// Events of the middle that are not here, because there were too many.
    pub left_out: Option<LeftOut>,
}

/// Events that are not kept.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// How many of the trace's events came before those that are left out.
    pub after: usize,
    /// How many are left out.
    pub events: usize,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Milliseconds since the first event of the trial.
    pub ms: f64,
    /// The number of the connection, from 1 on, in the order in which they were made.
    pub connection: usize,
    /// Who has sent it or done it.
    pub from: Sender,
    /// What it was.
    pub what: What,
}

/// What happened; `kind` tells which of them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// A connection was made.
    Opened,
    /// The 24 bytes with which every HTTP/2 client begins.
    Preface(Bytes),
    /// A whole HTTP/2 frame.
    Frame(Frame),
    /// A frame that was not sent to its end.
    CutOff(Frame),
    /// Bytes that are no HTTP/2.
    Bytes(Bytes),
    /// A record of TLS, whose content nobody here can read.
    TlsRecord(TlsRecord),
    /// The sender says that it sends nothing more on this connection.
    HalfClosed,
    /// The sender has reset the connection, or does not take what is sent to it any more.
    Reset,
    /// The sender has closed the connection.
    Closed,
}

/// Some bytes, of which only the first are kept if they are many.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Bytes {
    /// How many there were.
    pub length: usize,
    /// The first of them as hex digits.
    pub hex: String,
    /// How many of the last are left out of `hex`.
    pub left_out: usize,
}

/// An HTTP/2 frame.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Frame {
    /// The name of its type, such as `HEADERS`, or `frame of type 84` for one that RFC 9113 does not have.
    pub name: String,
    /// The names of the flags that are set; bits without a name as a number in hex.
    pub flags: Vec<String>,
    /// The stream it is about; 0 is the connection.
    pub stream: u32,
    /// The 9 bytes of its header as hex digits.
    pub header: String,
    /// What follows the header. Of a frame that was cut off it is less than the header says.
    pub payload: Bytes,
    /// What the bytes of header and payload are, without a gap, as far as they are known.
    pub parts: Vec<Part>,
    /// The fields of the header block that ends with this frame (HEADERS, CONTINUATION).
    pub block: Option<HeaderBlock>,
    /// The length-prefixed messages that end in this frame (DATA).
    pub messages: Vec<Message>,
    /// How many more messages than these ended in it.
    pub more_messages: usize,
}

/// Some bytes of a frame and what they say.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Where they begin, counted from the first byte of the frame's header, which is 0.
    pub start: usize,
    /// Behind the last of them.
    pub end: usize,
    /// What they are, such as `length`, `error code`, `message`.
    pub name: String,
    /// What they say, such as `8 CANCEL`; empty when the bytes say it themselves.
    pub value: String,
}

/// A header block, put together from its frames and decoded.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HeaderBlock {
    /// The fields in their order.
    pub fields: Vec<Field>,
    /// How many more fields it has.
    pub more_fields: usize,
    /// Why it cannot be decoded.
    pub error: Option<String>,
}

/// A header field. Bytes that are no printable ASCII stand as `\xNN`, long texts are cut.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Its name, in lower case if it is legal.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A length-prefixed message.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// The compressed flag: 0 or 1 if it is legal.
    pub flag: u8,
    /// Where its prefix begins in the frame, counted as in `parts`; none if that was in a frame
    /// before this one.
    pub start: Option<usize>,
    /// Its bytes without the prefix.
    pub bytes: Bytes,
    /// Its protobuf fields, as far as they can be read without a schema.
    pub fields: Vec<ProtobufField>,
    /// Why fields are missing: it is compressed, is no protobuf, or is not kept as a whole.
    pub unread: Option<String>,
}

/// A field of a protobuf message, read without a schema.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProtobufField {
    /// Its number.
    pub number: u32,
    /// Its wire type, such as `fixed32`.
    pub wire_type: String,
    /// Its value; four bytes as a float and in hex.
    pub value: String,
    /// Where its key begins, counted from the first byte of the message, which is 0.
    pub start: usize,
    /// Where its value begins.
    pub value_start: usize,
    /// Behind its last byte.
    pub end: usize,
}

/// The readable part of a TLS record.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TlsRecord {
    /// `handshake`, `application data` and so on.
    pub content_type: String,
    /// The 5 bytes of its header as hex digits: content type, version, length.
    pub header: String,
    /// How many bytes follow the header.
    pub length: usize,
}
