//! The load on a server at one point of a curve.
//!
//! Curves share points. For example, two curves begin with one call in flight, which is measured only once.

use serde::{Deserialize, Serialize};

use crate::load::exchange;
use crate::load::exchange::Exchange;
use crate::measurement::InFlight;

/// The number of messages of a stream.
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

/// The load at one point of a curve.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Setting {
    pub(crate) kind: Kind,
    /// The size of the request of a unary call in bytes; 0 means no padding.
    pub(crate) size: usize,
    pub(crate) in_flight: InFlight,
}

impl Setting {
    /// Unary calls without padding.
    pub(crate) fn small(connections: usize, streams: usize) -> Self {
        Self { kind: Kind::Unary, size: 0, in_flight: InFlight { connections, streams } }
    }

    /// The exchanges to send.
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

/// A size in the largest unit that gives a whole number.
pub(crate) fn bytes(size: usize) -> String {
    const UNITS: [(usize, &str); 2] = [(1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.iter().find(|(unit, _)| size > 0 && size.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{size} B"), |(unit, name)| format!("{} {name}", size / unit))
}
