//! The options for the number of connections and for their lifetime, in the vocabulary of gRPC.
//!
//! Each names the channel argument of grpcio with the same meaning. What is off in grpcio by default
//! is off here, too.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// How many connections a server has, and how long each of them lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// The number of connections at which the server stops accepting further ones until one is
    /// closed. They wait in the queue of the listening socket, whose length the kernel limits.
    ///
    /// It has no effect if it exceeds the number of files that the process may open. grpcio has
    /// `grpc.max_allowed_incoming_connections`, which closes further connections instead.
    pub max_connections: Option<NonZeroUsize>,
    /// The number of calls that a connection may have at the same time, announced in SETTINGS. The
    /// maximum and default is [`MAX_STREAMS`]; grpcio's default is unlimited.
    /// `grpc.max_concurrent_streams`.
    ///
    /// [`MAX_STREAMS`]: crate::grpcio::server::connection_limits::MAX_STREAMS
    pub max_concurrent_streams: Option<NonZeroU32>,
    /// The time without a call after which a connection is closed. `grpc.max_connection_idle_ms`.
    ///
    /// As in grpcio it differs by up to 10 % for each connection, and a connection that was used may
    /// last almost twice as long.
    pub max_connection_idle: Option<Duration>,
    /// The age at which GOAWAY makes a client open another connection. Calls on the old
    /// connection finish. `grpc.max_connection_age_ms`.
    ///
    /// As in grpcio it differs by up to 10 % for each connection, so that clients that came together
    /// do not return together.
    pub max_connection_age: Option<Duration>,
    /// How long calls may take after the maximum age, or on a connection that has just become idle.
    /// Then the connection is closed. Unlimited by default. `grpc.max_connection_age_grace_ms`.
    pub max_connection_age_grace: Option<Duration>,
    /// The time after which PING tests a connection that has received no call and no message.
    /// `grpc.keepalive_time_ms`.
    ///
    /// hyper also tests connections without a call, whether
    /// [`keepalive_permit_without_calls`](Self::keepalive_permit_without_calls) is set or not.
    pub keepalive: Option<Duration>,
    /// How long the client may take to acknowledge that PING, 20 s by default. Then the connection
    /// is closed, and so is a TCP connection (on Linux) that has not acknowledged data for as long.
    /// Only with [`keepalive`](Self::keepalive). `grpc.keepalive_timeout_ms`.
    pub keepalive_timeout: Duration,
    /// The least time between two PINGs of a client during a call, if nothing for a call is sent
    /// meanwhile; 5 minutes by default. A PING that follows sooner is a strike.
    /// `grpc.http2.min_ping_interval_without_data_ms`.
    pub min_ping_interval: Duration,
    /// How many strikes a client may have before its connection ends with GOAWAY
    /// (ENHANCE_YOUR_CALM, `too_many_pings`), 2 by default. 0 means any number.
    /// `grpc.http2.max_ping_strikes`.
    pub max_ping_strikes: u32,
    /// Whether the same interval holds without a call. By default it is then 2 hours.
    /// `grpc.keepalive_permit_without_calls`.
    pub keepalive_permit_without_calls: bool,
    /// How long TLS, the preface of HTTP/2 and the SETTINGS of the client may take together, 120 s by
    /// default. `grpc.server_handshake_timeout_ms`.
    pub handshake_timeout: Duration,
    /// How long a client may take to acknowledge the SETTINGS of the server, 60 s by default, as in
    /// grpcio, where it is not an option. A client that sends nothing reaches this limit first.
    pub settings_timeout: Duration,
    /// How long a header block may take, 60 s by default. grpcio has no such limit.
    pub header_timeout: Duration,
    /// How long a client may take to acknowledge the GOAWAY at the maximum age, 20 s by default, as
    /// in grpcio, where it is not an option. A connection without a call is then closed.
    pub goaway_timeout: Duration,
}

/// The longest duration, about 30 years. The clock of the system could overflow after it.
const MAX_DURATION: Duration = Duration::from_secs(1_000_000_000);

impl ConnectionOptions {
    /// The same options with durations that can be added to a time.
    pub(super) fn limited(&self) -> Self {
        Self {
            keepalive: self.keepalive.map(|interval| interval.min(MAX_DURATION)),
            keepalive_timeout: self.keepalive_timeout.min(MAX_DURATION),
            handshake_timeout: self.handshake_timeout.min(MAX_DURATION),
            settings_timeout: self.settings_timeout.min(MAX_DURATION),
            header_timeout: self.header_timeout.min(MAX_DURATION),
            ..self.clone()
        }
    }
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            max_connections: None,
            max_concurrent_streams: None,
            max_connection_idle: None,
            max_connection_age: None,
            max_connection_age_grace: None,
            keepalive: None,
            keepalive_timeout: Duration::from_secs(20),
            min_ping_interval: Duration::from_secs(300),
            max_ping_strikes: 2,
            keepalive_permit_without_calls: false,
            handshake_timeout: Duration::from_secs(120),
            settings_timeout: Duration::from_secs(60),
            header_timeout: Duration::from_secs(60),
            goaway_timeout: Duration::from_secs(20),
        }
    }
}
