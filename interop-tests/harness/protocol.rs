//! The lines that the harness and an agent exchange, from the harness's side.
//!
//! JSON lines, because every language can read and write them; `PEERS.md` describes them for
//! whoever writes an agent. A key that is not needed is not written, so that an agent that does not
//! know it yet still does everything else.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What an agent is asked to do: one line on its stdin.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Request {
    pub(crate) address: String,
    pub(crate) channels: usize,
    pub(crate) keep_channels: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<Tls>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) calls: Vec<Call>,
}

/// How the channels are encrypted; the paths are those of PEM files.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tls {
    pub(crate) ca: PathBuf,
    /// Whom the server's certificate has to name, if not the host of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
}

/// When a silent connection with calls is pinged, and how long the answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keepalive {
    pub(crate) interval_ms: u64,
    pub(crate) timeout_ms: u64,
}

/// One call of a request; exactly one of `value`, `message` and `script` is there, and `kind` and
/// `stub` with the last.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Call {
    pub(crate) method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stub: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) script: Option<Vec<ScriptStep>>,
    /// Without it the call waits for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_ms: Option<f64>,
    pub(crate) metadata: Vec<(String, String)>,
    /// `gzip` or `deflate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compression: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wait_for_ready: Option<bool>,
}

/// Which side of a call has one message and which has many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Unary,
    ClientStreaming,
    ServerStreaming,
    Bidirectional,
}

impl Kind {
    pub(crate) fn has_many_requests(self) -> bool {
        matches!(self, Self::ClientStreaming | Self::Bidirectional)
    }

    pub(crate) fn has_many_replies(self) -> bool {
        matches!(self, Self::ServerStreaming | Self::Bidirectional)
    }
}

/// What a call does next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScriptStep {
    /// A message's bytes in hex.
    Send(String),
    HalfClose(bool),
    /// How many more replies are waited for.
    Receive(u64),
    PauseMs(u64),
    Cancel(bool),
}

/// What an agent answers: one line on its stdout.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcome {
    #[serde(default)]
    pub(crate) calls: Vec<CallOutcome>,
    #[serde(default)]
    pub(crate) not_supported: Option<String>,
}

/// How one call ended.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallOutcome {
    pub(crate) status: String,
    pub(crate) message: String,
    pub(crate) value: Option<String>,
    /// With a script: the bytes of each in hex.
    pub(crate) replies: Option<Vec<String>>,
    pub(crate) details: Option<Details>,
    pub(crate) initial_metadata: Vec<(String, String)>,
    pub(crate) trailing_metadata: Vec<(String, String)>,
    pub(crate) elapsed_ms: f64,
}

/// What `grpc-status-details-bin` says: a `google.rpc.Status` with a `BadRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Details {
    pub(crate) code: i32,
    pub(crate) message: String,
    /// Fields, each with the description of what is wrong with it.
    pub(crate) violations: Vec<(String, String)>,
}
