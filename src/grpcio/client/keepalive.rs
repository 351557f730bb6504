//! The options for pings, in the vocabulary of gRPC.
//!
//! A module of its own, because both the channel and its connections use them.

use std::time::Duration;

/// Pings that detect a lost server while a call waits, limited as in grpcio.
///
/// A grpcio server closes the connection of a client that pings it more often than every 5 minutes
/// without anything else being sent (`grpc.http2.min_ping_interval_without_data_ms`); it tolerates
/// three such pings. Choose a longer interval for calls that are silent for minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Keepalive {
    /// How long nothing is received before a ping is sent. `grpc.keepalive_time_ms`. After an
    /// acknowledgement it begins again. Pings follow each other after a second at least.
    ///
    /// When a server complains about too many pings, it doubles for later connections of the channel.
    pub interval: Duration,
    /// How long the response to a ping may take before the connection is closed, 20 s by default.
    /// `grpc.keepalive_timeout_ms`.
    pub timeout: Duration,
    /// How many pings may follow each other without HEADERS, DATA or WINDOW_UPDATE of the client
    /// between them, 2 by default. Further ones are sent once a minute. 0 means any number.
    /// `grpc.http2.max_pings_without_data`.
    pub max_pings_without_data: u32,
    /// Whether pings are sent without a call, too; not by default.
    /// `grpc.keepalive_permit_without_calls`.
    pub permit_without_calls: bool,
}

impl Keepalive {
    /// Pings after each `interval`, with the defaults of grpcio.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            timeout: Duration::from_secs(20),
            max_pings_without_data: 2,
            permit_without_calls: false,
        }
    }
}
