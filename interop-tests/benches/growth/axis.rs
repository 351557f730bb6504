//! The parameter that varies along a curve, while all others stay constant.

use super::setting::Kind;
use super::setting::Setting;
use super::setting::bytes;

/// The number of calls in flight if another parameter varies: enough that the server never waits.
const STREAMS: usize = 4;

/// The sizes of messages. The largest is the maximum that grpcio accepts.
const SIZES: [usize; 7] = [0, 64, 1 << 10, 16 << 10, 256 << 10, 1 << 20, 4 << 20];

/// The numbers of connections, and of calls in flight on a connection.
const NUMBERS: [usize; 4] = [1, 10, 100, 1000];

/// The parameter that varies along a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    /// The size of the request.
    Size,
    /// The number of connections.
    Connections,
    /// The number of calls in flight on a connection.
    Streams,
    /// The kind of RPC.
    Kind,
}

impl Axis {
    /// All parameters, in the order of the report.
    pub(crate) const ALL: [Self; 4] = [Self::Size, Self::Connections, Self::Streams, Self::Kind];

    /// The points of the curve.
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

    /// The label of a point.
    pub(crate) fn label(self, setting: Setting) -> String {
        match self {
            Self::Size => bytes(setting.size),
            Self::Connections => setting.in_flight.connections.to_string(),
            Self::Streams => setting.in_flight.streams.to_string(),
            Self::Kind => setting.kind.to_string(),
        }
    }

    /// The name of the axis.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Size => "size of the request",
            Self::Connections => "connections",
            Self::Streams => "calls in flight on a connection",
            Self::Kind => "kind of RPC",
        }
    }

    /// The title of the figure and of the tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Size => "Larger messages",
            Self::Connections => "More connections",
            Self::Streams => "More calls on a connection",
            Self::Kind => "The four kinds of RPC",
        }
    }

    /// The description of the measurement.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Size => {
                "Calls of SquareRoot whose request is padded with an unknown field; 0 B means without \
                 it. 4 calls in flight on a connection, the server on one core."
            }
            Self::Connections => {
                "Calls of SquareRoot, one in flight on each connection, the server on one core."
            }
            Self::Streams => {
                "Calls of SquareRoot, all of them on a single connection, the server on one core."
            }
            Self::Kind => {
                "Messages in both directions, 100 per stream. 4 calls in flight on a \
                 connection, the server on one core. Servers without streaming methods are omitted."
            }
        }
    }

    /// The unit that is counted.
    pub(crate) fn unit(self) -> &'static str {
        if self == Self::Kind { "message" } else { "call" }
    }
}
