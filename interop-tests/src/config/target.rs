//! What a call is addressed to.
//!
//! Most calls go to the server under test; some go to an address of the tool's own at which no gRPC
//! server responds, to test what a client does then.

use serde::Deserialize;

/// The destination of a call, as `to` in a scenario names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Target {
    /// The server under test.
    #[default]
    #[serde(rename = "server")]
    Server,
    /// A port at which nothing listens: connections are refused.
    #[serde(rename = "nobody")]
    ClosedPort,
    /// A port that accepts connections and never sends a byte.
    #[serde(rename = "silence")]
    SilentPort,
}
