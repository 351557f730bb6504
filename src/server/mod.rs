//! The calculator's server: its services with [`grpcio::serve`](crate::grpcio::serve()).
//!
//! Only the services and the test directives are the calculator's own; everything else is an option
//! of [`grpcio::Options`]. `application` has the layer for test directives.

mod application;

use std::future::Future;
use std::time::Duration;

use tower::layer::util::{Identity, Stack};

pub use application::DirectivesLayer;

use crate::grpcio::descriptors::DescriptorsError;
use crate::grpcio::serve::listen::Listener;
use crate::grpcio::{self, Drained, ServeError};
use crate::rpc::{DESCRIPTORS, calculator_server, streaming_calculator_server};
use crate::service::dispatch::Services;

/// The options of a server. [`options`] returns the default.
pub type Options = grpcio::Options<Stack<Identity, DirectivesLayer>>;

/// What a server has in addition to `Calculator`. By default nothing, like `server.py`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras {
    /// Whether `StreamingCalculator` is served. Otherwise its methods are unknown.
    pub streaming: bool,
    /// Whether calls may contain [test directives](crate::test_directives). Responses are then
    /// compressed on request, and clients may send PING ten times a second during a call.
    pub test_directives: bool,
}

/// The least time between two pings in tests of clients, so that those can be short.
const TEST_PING_INTERVAL: Duration = Duration::from_millis(100);

/// Serves `Calculator` and `extras` in the runtime of the caller.
pub fn options(extras: Extras) -> Result<Options, DescriptorsError> {
    let Extras { streaming, test_directives } = extras;
    let services = [calculator_server::SERVICE_NAME, streaming_calculator_server::SERVICE_NAME];
    let served = if streaming { &services[..] } else { &services[..1] };
    let mut options = grpcio::Options::new(DESCRIPTORS, served)?;
    options.compress = test_directives;
    if test_directives {
        options.connections.min_ping_interval = TEST_PING_INTERVAL;
    }
    Ok(options.layer(DirectivesLayer { is_enabled: test_directives }))
}

/// Serves on all `listeners` until `shutdown` resolves; see
/// [`grpcio::serve`](crate::grpcio::serve()).
pub async fn serve(
    listeners: Vec<Listener>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<Drained, ServeError> {
    let services = Services::new(options.compress);
    grpcio::serve(listeners, services, options, shutdown).await
}
