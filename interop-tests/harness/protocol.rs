//! The lines that the harness and an agent exchange, from the harness's side.
//!
//! JSON lines, because every language can read and write them; `PEERS.md` describes them for
//! whoever writes an agent.

use serde::{Deserialize, Serialize};

/// What an agent is asked to do: one line on its stdin.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Request {
    pub(crate) address: String,
    pub(crate) channels: usize,
    pub(crate) keep_channels: bool,
    pub(crate) calls: Vec<Call>,
}

/// One call of a request; exactly one of `value` and `message` is there.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Without it the call waits for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_ms: Option<f64>,
    pub(crate) metadata: Vec<(String, String)>,
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
    pub(crate) initial_metadata: Vec<(String, String)>,
    pub(crate) trailing_metadata: Vec<(String, String)>,
    pub(crate) elapsed_ms: f64,
}
