//! When a connection stops accepting calls, and when it has to be closed.
//!
//! The client is told first: GOAWAY and PING, then a second GOAWAY once it has acknowledged the PING,
//! and h2 closes the connection when its last response is written. So the end of a connection shows
//! that all of its calls are complete, and a shutdown waits for that instead of counting calls. Only
//! a client that does not acknowledge the PING needs a timer; see
//! [`client_frames`](super::client_frames).

use std::collections::hash_map::RandomState;
use std::future::pending;
use std::hash::BuildHasher;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::calls_in_flight::CallsInFlight;
use super::client_frames::ClientState;
use super::closing_socket::SocketState;
use super::connection_options::ConnectionOptions;
use super::fair_reading::Backlog;
use crate::grpcio::server::message_memory::ConnectionMemory;

/// How long a client has to acknowledge the shutdown of the server. Calls that it has sent before
/// it knew of the shutdown arrive in this time.
const SHUTDOWN_ACK_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a connection that should be closed is examined.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The part by which the maximum age of connections differs, as in grpcio.
const JITTER: f64 = 0.1;

/// Why a connection stops accepting calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Idle,
    Age,
    Shutdown,
}

/// What is known of an open connection.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenConnection {
    pub(super) calls: CallsInFlight,
    pub(super) client: ClientState,
    pub(super) socket: SocketState,
}

impl OpenConnection {
    /// A connection with this memory, whose thread has these calls.
    pub(super) fn new(memory: ConnectionMemory, backlog: Backlog) -> Self {
        Self {
            calls: CallsInFlight::new(memory, backlog),
            client: ClientState::default(),
            socket: SocketState::default(),
        }
    }

    /// Whether a response is not completely written. The socket is full if its trailers wait.
    pub(super) fn has_unfinished_calls(&self) -> bool {
        !self.calls.is_empty() || self.is_response_blocked()
    }

    fn is_response_blocked(&self) -> bool {
        self.calls.has_any() && self.socket.is_blocked()
    }

    /// Makes the socket deliver the responses before it is closed.
    pub(super) fn linger(&self) {
        self.socket.take_received();
        self.socket.set_linger(self.calls.has_any());
    }

    /// Like [`linger`](Self::linger), after a time in which the client has not acknowledged PING. It
    /// is not awaited again if it is silent, but it may be busy reading a long response.
    fn linger_if_used(&self) {
        let is_used = self.has_unfinished_calls() || self.socket.take_received();
        self.socket.set_linger(self.calls.has_any() && is_used);
    }

    /// The number of calls that end because of `close`, which closes the connection.
    pub(super) async fn cut_off(&self, close: impl FnOnce()) -> usize {
        let is_blocked = self.is_response_blocked();
        self.calls.cut_off(close).await.max(usize::from(is_blocked))
    }
}

/// The lifetime of one connection.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    max_idle: Option<Duration>,
    max_age: Option<Duration>,
    grace: Option<Duration>,
    goaway_timeout: Duration,
    shutdown: CancellationToken,
}

impl Lifetime {
    /// A lifetime that also ends with `shutdown`.
    pub(super) fn new(options: &ConnectionOptions, shutdown: CancellationToken) -> Self {
        let factor = random_factor();
        let jittered = |duration: Duration| {
            Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
        };
        Self {
            max_idle: options.max_connection_idle.map(jittered),
            max_age: options.max_connection_age.map(jittered),
            grace: options.max_connection_age_grace,
            goaway_timeout: options.goaway_timeout,
            shutdown,
        }
    }

    /// Returns when the server shuts down.
    pub(super) async fn shutdown(&self) {
        self.shutdown.cancelled().await;
    }

    /// Returns when the connection has to stop accepting calls.
    pub(super) async fn retired(&self, connection: &OpenConnection) -> Reason {
        if self.max_idle.is_none() && self.max_age.is_none() {
            self.shutdown.cancelled().await;
            return Reason::Shutdown;
        }
        tokio::select! {
            () = self.shutdown.cancelled() => Reason::Shutdown,
            () = optional_sleep(self.max_age) => Reason::Age,
            () = self.idle(&connection.calls) => Reason::Idle,
        }
    }

    /// Returns when there has been no call for a while.
    ///
    /// Like grpcio, it does not note when calls end, which would cost each of them time. It looks at
    /// the end of each period whether there was any.
    async fn idle(&self, calls: &CallsInFlight) {
        let Some(max_idle) = self.max_idle else { return pending().await };
        loop {
            sleep(max_idle).await;
            if calls.is_empty() && !calls.take_started() {
                return;
            }
        }
    }

    /// Returns when the connection has to be closed, if it still is not after the GOAWAY.
    pub(super) async fn expired(&self, reason: Reason, connection: &OpenConnection) {
        let grace = async {
            match reason {
                Reason::Shutdown => pending().await,
                Reason::Age | Reason::Idle => optional_sleep(self.grace).await,
            }
        };
        tokio::select! {
            () = grace => {}
            () = self.unused(reason, connection) => {}
        }
    }

    /// Acknowledges the shutdown if the client does not, and returns when the connection could be
    /// closed and is not, for example because the client has stopped in the middle of a frame.
    async fn unused(&self, reason: Reason, connection: &OpenConnection) {
        let timeout = match reason {
            // grpcio closes an idle connection at once.
            Reason::Idle => Duration::ZERO,
            Reason::Age => self.goaway_timeout,
            Reason::Shutdown => SHUTDOWN_ACK_TIMEOUT,
        };
        let shutdown = async {
            self.shutdown.cancelled().await;
            sleep(SHUTDOWN_ACK_TIMEOUT).await;
        };
        tokio::select! {
            () = sleep(timeout) => {}
            () = shutdown => {}
        }
        if reason != Reason::Idle {
            connection.linger_if_used();
        }
        connection.client.acknowledge_shutdown();
        // The connection is polled next and reads the acknowledgement.
        tokio::task::yield_now().await;
        let mut could_close = !connection.client.has_acknowledged();
        loop {
            let is_unused = !connection.has_unfinished_calls() && !connection.socket.is_closing();
            if is_unused && could_close {
                return;
            }
            sleep(CHECK_INTERVAL).await;
            could_close = true;
        }
    }
}

/// Sleeps, for ever if there is no duration.
async fn optional_sleep(duration: Option<Duration>) {
    match duration {
        Some(duration) => sleep(duration).await,
        None => pending().await,
    }
}

/// A number between `1 - JITTER` and `1 + JITTER`, different for each connection.
fn random_factor() -> f64 {
    // The standard library has no other source of random numbers, and these need not be good.
    let random = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or(0);
    1.0 + JITTER * (f64::from(random) / f64::from(u32::MAX) * 2.0 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::random_factor;

    #[test]
    fn ages_differ_by_up_to_a_tenth() {
        let factors: Vec<_> = (0..1000).map(|_| random_factor()).collect();
        assert!(factors.iter().all(|factor| (0.9..=1.1).contains(factor)));
        assert!(factors.iter().any(|factor| *factor < 0.92));
        assert!(factors.iter().any(|factor| *factor > 1.08));
    }
}
