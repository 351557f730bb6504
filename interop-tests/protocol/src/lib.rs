//! The lines of JSON that the interop tool and a client agent exchange: one [`Request`] on the agent's
//! stdin, one [`Outcome`] on its stdout.
//!
//! Every language can read and write lines of JSON. Numbers are transmitted as the bits of their float32 in hex,
//! because JSON has no NaN and does not reliably preserve the sign of zero. A key that is not needed is omitted, so
//! that an older agent, which does not know it, supports all other requests.
//!
//! A message is written in hex, or as `{"bytes": N}`. In the second form, its N bytes follow the line, because the
//! digits of megabytes would take more time than the call.
//!
//! - [`Request::write`], [`Request::read`], [`Outcome::write`], [`Outcome::read`]: the lines with what follows them
//! - [`Message`]: the bytes of a message
//! - [`hex`]: bytes as hex digits

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod hex;
mod line;
mod message;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::line::ReadError;
pub use crate::message::{LARGEST_RAW, Message, SMALLEST_RAW};

/// Keys and values in order; the value of a `-bin` key is the hex of its bytes.
pub type Metadata = Vec<(String, String)>;

/// The task of an agent: one line on its stdin.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The server's address: `HOST:PORT` or `unix:PATH`.
    pub address: String,
    /// How many channels the calls are spread over.
    pub channels: usize,
    /// Whether the channels stay open for the next request with the same settings.
    pub keep_channels: bool,
    /// The credentials of the channels; without them, the channels are not encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The keepalive settings of the channels; without them, the channels send no PING frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<Keepalive>,
    /// The calls, which are made concurrently.
    pub calls: Vec<Call>,
}

/// The credentials of a channel. The paths are those of PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The root certificates.
    pub ca: PathBuf,
    /// The name that the server's certificate must have, if not the host of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The client's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The private key of the client's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// When a connection with calls but no traffic is pinged, and how long the acknowledgement may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keepalive {
    /// The time without traffic before a PING, in milliseconds.
    pub interval_ms: u64,
    /// The time before an unacknowledged PING ends the connection, in milliseconds.
    pub timeout_ms: u64,
}

/// One call. Exactly one of `value`, `message` and `script` is present; `kind` and `stub` accompany
/// `script`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The path, `/Service/Method`.
    pub method: String,
    /// The bits of the `value` of a `Number`, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// A message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// The kind of the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Whether the agent has a generated stub for the method and must use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stub: Option<bool>,
    /// The steps of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Vec<ScriptStep>>,
    /// The deadline; without it the call has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<f64>,
    /// The metadata that the call sends.
    #[serde(default)]
    pub metadata: Metadata,
    /// The compression of the request messages; without it, they are not compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Encoding>,
    /// Whether the call waits for a connection instead of failing with UNAVAILABLE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for_ready: Option<bool>,
}

/// The kind of a method: which sides of the call are streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One request message, one response message.
    Unary,
    /// A stream of request messages, one response message.
    ClientStreaming,
    /// One request message, a stream of response messages.
    ServerStreaming,
    /// A stream of messages in both directions.
    Bidirectional,
}

impl Kind {
    /// The kind of a method by the `stream` keywords of its declaration.
    #[must_use]
    pub fn new(client_streaming: bool, server_streaming: bool) -> Self {
        match (client_streaming, server_streaming) {
            (false, false) => Self::Unary,
            (true, false) => Self::ClientStreaming,
            (false, true) => Self::ServerStreaming,
            (true, true) => Self::Bidirectional,
        }
    }

    /// Whether the request is a stream of messages.
    #[must_use]
    pub fn has_many_requests(self) -> bool {
        matches!(self, Self::ClientStreaming | Self::Bidirectional)
    }

    /// Whether the response is a stream of messages.
    #[must_use]
    pub fn has_many_replies(self) -> bool {
        matches!(self, Self::ServerStreaming | Self::Bidirectional)
    }
}

/// One step of a call's script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptStep {
    /// Sends a message.
    Send(Message),
    /// Ends the stream of requests.
    HalfClose(True),
    /// Waits for this many more response messages.
    Receive(usize),
    /// Does nothing for this many milliseconds.
    PauseMs(u64),
    /// Cancels the call.
    Cancel(True),
}

/// The value of a step that has none: `true` in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
pub struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(is_true: bool) -> Result<Self, Self::Error> {
        if is_true {
            Ok(Self)
        } else {
            Err("the value of this step must be true; omit the step instead")
        }
    }
}

impl From<True> for bool {
    fn from(_: True) -> Self {
        true
    }
}

/// How the messages of a request are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, which gRPC calls deflate.
    Deflate,
}

impl Encoding {
    /// The name in `grpc-encoding`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }
}

/// The result of a request: one line on the agent's stdout. It has either the outcomes of all calls, or the reason
/// why the agent cannot make them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// One outcome for each call, in the order of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallOutcome>,
    /// The feature that the agent does not support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_supported: Option<String>,
}

impl Outcome {
    /// The outcome of a request that the agent does not support.
    #[must_use]
    pub fn not_supported(reason: String) -> Self {
        Self { not_supported: Some(reason), ..Self::default() }
    }
}

/// The result of a call, as a user of the client sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallOutcome {
    /// The name of the status, such as `DEADLINE_EXCEEDED`, or `CLIENT_ERROR`.
    pub status: String,
    /// The status message.
    pub message: String,
    /// The bits of the response's `value`, in hex.
    pub value: Option<String>,
    /// Each response message; present for a call with a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replies: Option<Vec<Message>>,
    /// What `grpc-status-details-bin` contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// The initial metadata.
    pub initial_metadata: Metadata,
    /// The trailing metadata.
    pub trailing_metadata: Metadata,
    /// The duration of the call in milliseconds.
    pub elapsed_ms: f64,
}

/// A `google.rpc.Status` with a `BadRequest`, from `grpc-status-details-bin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// The number of the status.
    pub code: i32,
    /// The status message.
    pub message: String,
    /// The field violations: a field and its description.
    pub violations: Vec<(String, String)>,
}

#[cfg(test)]
mod tests;
