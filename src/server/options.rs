//! The options of the calculator's server.

use std::num::NonZeroUsize;
use std::time::Duration;

use tower::layer::util::{Identity, Stack};

use super::application::DirectivesLayer;
use crate::grpcio;
use crate::grpcio::descriptors::DescriptorsError;
use crate::grpcio::serve::tls::Tls;
use crate::rpc::{DESCRIPTORS, calculator_server, streaming_calculator_server};

/// What a server serves and how. The default serves the two calculators in the runtime of the
/// caller.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether `grpc.health.v1.Health` is served.
    pub health: bool,
    /// Whether both versions of reflection are served.
    pub reflection: bool,
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
            health: false,
            reflection: false,
            tls: None,
            max_connection_age: None,
            test_directives: false,
            workers: NonZeroUsize::MIN,
        }
    }
}

impl Options {
    /// The same options for any service.
    pub(super) fn for_grpcio(
        self,
    ) -> Result<grpcio::Options<Stack<Identity, DirectivesLayer>>, DescriptorsError> {
        let services = [calculator_server::SERVICE_NAME, streaming_calculator_server::SERVICE_NAME];
        let mut options = grpcio::Options::new(DESCRIPTORS, &services)?;
        options.health = self.health;
        options.reflection = self.reflection;
        options.tls = self.tls;
        options.max_connection_age = self.max_connection_age;
        options.workers = self.workers;
        options.compress = self.test_directives;
        Ok(options.layer(DirectivesLayer { is_enabled: self.test_directives }))
    }
}
