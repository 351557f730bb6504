//! The lines that the harness and an agent exchange: one request and one outcome for a scenario.
//!
//! Values travel as the bits of their float32 in hex, because JSON has no NaN and its numbers do
//! not keep the sign of zero. The whole protocol is described in `interop-tests/PEERS.md`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What to do: one line on stdin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) address: String,
    pub(crate) channels: usize,
    #[serde(default)]
    pub(crate) tls: Option<Tls>,
    #[serde(default)]
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) keep_channels: bool,
    pub(crate) calls: Vec<Call>,
}

/// How a channel is encrypted; all are PEM files but the name that the server's certificate has.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) ca: PathBuf,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) certificate: Option<PathBuf>,
    #[serde(default)]
    pub(crate) key: Option<PathBuf>,
}

/// When a channel is pinged.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keepalive {
    pub(crate) interval_ms: u64,
    pub(crate) timeout_ms: u64,
}

/// One call of a request; exactly one of `value`, `message` and `script` is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) value: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) kind: Option<Kind>,
    #[serde(default)]
    pub(crate) stub: Option<bool>,
    #[serde(default)]
    pub(crate) script: Option<Vec<Step>>,
    #[serde(default)]
    pub(crate) timeout_ms: Option<f64>,
    #[serde(default)]
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) compression: Option<Compression>,
    #[serde(default)]
    pub(crate) wait_for_ready: Option<bool>,
}

/// The four kinds of RPC.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
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
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Send(String),
    HalfClose(True),
    Receive(usize),
    PauseMs(f64),
    Cancel(True),
}

/// The value of a step that has none.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "bool")]
pub(crate) struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(is_true: bool) -> Result<Self, Self::Error> {
        if is_true { Ok(Self) } else { Err("a step that is not done is left out") }
    }
}

/// How the messages of a request are compressed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compression {
    Gzip,
    Deflate,
}

/// Keys and values in order; the value of a `-bin` key is the hex of its bytes.
pub(crate) type Metadata = Vec<(String, String)>;

/// What happened: one line on stdout.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Calls { calls: Vec<CallOutcome> },
    NotSupported { not_supported: String },
}

/// How one call ended, as a user of the client sees it.
#[derive(Debug, Serialize)]
pub(crate) struct CallOutcome {
    pub(crate) status: &'static str,
    pub(crate) message: String,
    pub(crate) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replies: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<Details>,
    pub(crate) initial_metadata: Metadata,
    pub(crate) trailing_metadata: Metadata,
    pub(crate) elapsed_ms: f64,
}

/// The `google.rpc.Status` in `grpc-status-details-bin`, with the fields that its `BadRequest` names.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) code: i32,
    pub(crate) message: String,
    pub(crate) violations: Vec<(String, String)>,
}
