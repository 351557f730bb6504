//! What is asked of a server at one point of a curve.
//!
//! Curves share points: one call in flight is the beginning of two of them, and is measured once.

use serde::{Deserialize, Serialize};

use crate::load::exchange;
use crate::load::exchange::Exchange;
use crate::measurement::InFlight;

/// How many messages a stream has.
const STREAMED: u8 = 100;

/// The four kinds of RPC.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Bidirectional,
}

/// See the module.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Setting {
    pub(crate) kind: Kind,
    /// Of the request of a unary call, in bytes; 0 is as few as it needs.
    pub(crate) size: usize,
    pub(crate) in_flight: InFlight,
}

impl Setting {
    /// Unary calls as small as they are.
    pub(crate) fn small(connections: usize, streams: usize) -> Self {
        Self { kind: Kind::Unary, size: 0, in_flight: InFlight { connections, streams } }
    }

    /// What is sent, and what has to come back.
    pub(crate) fn exchanges(self) -> Vec<Exchange> {
        match self.kind {
            Kind::Unary => exchange::unary_of_size(self.size),
            Kind::ServerStreaming => exchange::server_streaming(STREAMED.into()),
            Kind::ClientStreaming => exchange::client_streaming(STREAMED.into()),
            Kind::Bidirectional => exchange::bidirectional(STREAMED.into()),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unary => "unary",
            Self::ServerStreaming => "server streaming",
            Self::ClientStreaming => "client streaming",
            Self::Bidirectional => "bidirectional",
        })
    }
}

impl std::fmt::Display for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let InFlight { connections, streams } = self.in_flight;
        let plural = if connections == 1 { "" } else { "s" };
        write!(f, "{}, {connections} connection{plural} × {streams}", self.kind)?;
        if self.size > 0 { write!(f, ", {} a request", bytes(self.size)) } else { Ok(()) }
    }
}

/// A size in the largest unit of which it is a whole number.
pub(crate) fn bytes(size: usize) -> String {
    const UNITS: [(usize, &str); 2] = [(1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.iter().find(|(unit, _)| size > 0 && size.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{size} B"), |(unit, name)| format!("{} {name}", size / unit))
}
