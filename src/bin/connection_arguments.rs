//! The options of `calculator-server` for the number of connections and for their lifetime.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use calculator::grpcio::serve::ConnectionOptions;
use calculator::grpcio::server::connection_limits::MAX_STREAMS;
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::command_line;

/// The longest duration, about 30 years. The clock of the system could overflow after it.
const MAX_SECONDS: f64 = 1e9;

/// The number of files besides connections that the server opens.
const OTHER_FILES: u64 = 64;

#[derive(Debug, Args)]
#[command(next_help_heading = "Connections")]
pub(crate) struct ConnectionArguments {
    /// Stop accepting connections at this number until one is closed. Further clients wait. The
    /// default is unlimited.
    #[arg(long, value_name = "NUMBER", value_parser = connections)]
    max_connections: Option<NonZeroUsize>,

    /// The number of calls that a connection may have at the same time, at most and by default 2048.
    #[arg(long, value_name = "NUMBER", value_parser = streams)]
    max_concurrent_streams: Option<NonZeroU32>,

    /// Close connections without a call for this time, plus or minus 10 %. The default is never.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_connection_idle: Option<Duration>,

    /// The age at which a client has to open a new connection, plus or minus 10 %, so that clients
    /// find new servers. Calls on the old connection finish. The default is unlimited.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_connection_age: Option<Duration>,

    /// How long calls may take after the maximum age. Then they are cut off. The default is
    /// unlimited.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_connection_age_grace: Option<Duration>,

    /// Send PING on a connection that has received no call and no message for this time, so that
    /// clients that have vanished are detected. The default is never.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    keepalive: Option<Duration>,

    /// How long a client may take to acknowledge that PING. Then the connection is closed. The
    /// default is 20.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "keepalive")]
    keepalive_timeout: Option<Duration>,

    /// The least time between two PINGs of a client during a call, if nothing else is sent
    /// meanwhile. A PING that follows sooner is a strike. The default is 300.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    min_ping_interval: Option<Duration>,

    /// End the connection of a client with more strikes than this. 0 means never, and the default is
    /// 2.
    #[arg(long, value_name = "NUMBER")]
    max_ping_strikes: Option<u32>,

    /// Let clients send PING as often without a call as during one. By default the least time is
    /// then 2 hours.
    #[arg(long)]
    keepalive_permit_without_calls: bool,
}

impl ConnectionArguments {
    /// The options of the server, where `default` has those that are not given.
    pub(crate) fn options(&self, default: &ConnectionOptions) -> ConnectionOptions {
        ConnectionOptions {
            max_connections: self.max_connections,
            max_concurrent_streams: self.max_concurrent_streams,
            max_connection_idle: self.max_connection_idle,
            max_connection_age: self.max_connection_age,
            max_connection_age_grace: self.max_connection_age_grace,
            keepalive: self.keepalive,
            keepalive_timeout: self.keepalive_timeout.unwrap_or(default.keepalive_timeout),
            min_ping_interval: self.min_ping_interval.unwrap_or(default.min_ping_interval),
            max_ping_strikes: self.max_ping_strikes.unwrap_or(default.max_ping_strikes),
            keepalive_permit_without_calls: self.keepalive_permit_without_calls,
            ..default.clone()
        }
    }

    /// Lets the process open as many files as the maximum number of connections needs. If the limit
    /// cannot be raised so far, the server accepts as many as it can.
    pub(crate) fn raise_file_limit(&self) {
        let Some(connections) = self.max_connections else { return };
        let needed =
            u64::try_from(connections.get()).unwrap_or(u64::MAX).saturating_add(OTHER_FILES);
        let limit = getrlimit(Resource::Nofile);
        if limit.current.is_some_and(|current| current < needed) {
            let raised = limit.maximum.map_or(needed, |maximum| needed.min(maximum));
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit });
        }
    }
}

/// The value parser for a duration.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = command_line::number(text).map_err(|error| error.to_string())?;
    if seconds > MAX_SECONDS {
        return Err(format!("this is a number of seconds, at most {MAX_SECONDS}"));
    }
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|seconds| !seconds.is_zero())
        .ok_or_else(|| "this is a number of seconds, more than 0".to_owned())
}

fn connections(text: &str) -> Result<NonZeroUsize, String> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let number: NonZeroUsize =
        text.parse().map_err(|_| "this is a number of connections, 1 or more".to_owned())?;
    match maximum.and_then(|maximum| usize::try_from(maximum).ok()) {
        Some(maximum) if number.get() > maximum => Err(format!(
            "the process can open {maximum} files at most: choose a lower number, or raise the hard \
             limit with `ulimit -Hn`"
        )),
        _ => Ok(number),
    }
}

fn streams(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .ok()
        .filter(|streams: &NonZeroU32| streams.get() <= MAX_STREAMS)
        .ok_or_else(|| format!("this is a number of calls, 1 to {MAX_STREAMS}"))
}
