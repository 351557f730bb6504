//! The options of a server.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::tls::Tls;
use crate::service::dispatch::EnabledServices;

/// What a server serves and how. The default serves the two calculators in the runtime of the
/// caller.
#[derive(Clone, Debug)]
pub struct Options {
    /// The services in addition to `Calculator` and `StreamingCalculator`.
    pub services: EnabledServices,
    /// TLS for all connections.
    pub tls: Option<Tls>,
    /// The age at which GOAWAY makes a client open another connection. Calls on the old
    /// connection finish.
    pub max_connection_age: Option<Duration>,
    /// Whether calls may contain [test directives](crate::test_directives).
    pub test_directives: bool,
    /// How many threads serve connections: the runtime of the caller is the first, and each other
    /// one is a thread with a runtime of its own.
    pub workers: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            services: EnabledServices::default(),
            tls: None,
            max_connection_age: None,
            test_directives: false,
            workers: NonZeroUsize::MIN,
        }
    }
}
