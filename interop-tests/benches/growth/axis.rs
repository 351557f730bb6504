//! What is varied along a curve, while everything else stays the same.

use super::setting::Kind;
use super::setting::Setting;
use super::setting::bytes;

/// Calls in flight where it is not their number that is varied: enough that the server never waits.
const STREAMS: usize = 4;

/// The largest is the most that grpcio accepts.
const SIZES: [usize; 7] = [0, 64, 1 << 10, 16 << 10, 256 << 10, 1 << 20, 4 << 20];

const NUMBERS: [usize; 4] = [1, 10, 100, 1000];

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Size,
    Connections,
    Streams,
    Kind,
}

impl Axis {
    pub(crate) const ALL: [Self; 4] = [Self::Size, Self::Connections, Self::Streams, Self::Kind];

    /// The points on it.
    pub(crate) fn settings(self) -> Vec<Setting> {
        let alike = Setting::small(1, STREAMS);
        match self {
            Self::Size => SIZES.map(|size| Setting { size, ..alike }).to_vec(),
            Self::Connections => NUMBERS.map(|number| Setting::small(number, 1)).to_vec(),
            Self::Streams => NUMBERS.map(|number| Setting::small(1, number)).to_vec(),
            Self::Kind => {
                let kinds = [
                    Kind::Unary,
                    Kind::ServerStreaming,
                    Kind::ClientStreaming,
                    Kind::Bidirectional,
                ];
                kinds.map(|kind| Setting { kind, ..alike }).to_vec()
            }
        }
    }

    /// What a point is called among the others.
    pub(crate) fn label(self, setting: Setting) -> String {
        match self {
            Self::Size => bytes(setting.size),
            Self::Connections => setting.in_flight.connections.to_string(),
            Self::Streams => setting.in_flight.streams.to_string(),
            Self::Kind => setting.kind.to_string(),
        }
    }

    /// What the points are, as a whole.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Size => "size of the request",
            Self::Connections => "connections",
            Self::Streams => "calls in flight on a connection",
            Self::Kind => "kind of RPC",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Size => "Larger messages",
            Self::Connections => "More connections",
            Self::Streams => "More calls on a connection",
            Self::Kind => "The four kinds of RPC",
        }
    }

    /// How it was measured.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Size => {
                "Calls of SquareRoot whose request is padded with a field that no server knows; 0 B is \
                 without it. 4 calls in flight on a connection, the server on one core."
            }
            Self::Connections => {
                "Calls of SquareRoot, one in flight on each connection, the server on one core."
            }
            Self::Streams => {
                "Calls of SquareRoot, all of them on a single connection, the server on one core."
            }
            Self::Kind => {
                "Messages of both directions; a stream has 100 of them. 4 calls in flight on a \
                 connection, the server on one core. Servers without streams are left out."
            }
        }
    }

    /// What is counted on it.
    pub(crate) fn unit(self) -> &'static str {
        if self == Self::Kind { "message" } else { "call" }
    }
}
