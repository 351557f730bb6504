//! The lines that the harness and an agent exchange: one request and one outcome for a scenario.
//!
//! Values travel as the bits of their float32 in hex, because JSON has no NaN and its numbers do
//! not keep the sign of zero. The whole protocol is described in `interop-tests/PEERS.md`.

use serde::{Deserialize, Serialize};

/// What to do: one line on stdin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) address: String,
    pub(crate) channels: usize,
    pub(crate) keep_channels: bool,
    pub(crate) calls: Vec<Call>,
}

/// One call of a request; exactly one of `value` and `message` is given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) value: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) timeout_ms: Option<f64>,
    #[serde(default)]
    pub(crate) metadata: Metadata,
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
    pub(crate) initial_metadata: Metadata,
    pub(crate) trailing_metadata: Metadata,
    pub(crate) elapsed_ms: f64,
}
