//! The calculator's server: its services with [`grpcio::serve`](crate::grpcio::serve()).
//!
//! - [`Options`]: what is served and how
//! - `application`: all services, with the layer for test directives if it is enabled

mod application;
mod options;

use std::future::Future;

pub use options::Options;

use crate::grpcio::serve::listen::Listener;
use crate::grpcio::{self, ServeError};
use crate::service::dispatch::Services;

/// Serves on all `listeners` until `shutdown` resolves; see
/// [`grpcio::serve`](crate::grpcio::serve()).
pub async fn serve(
    listeners: Vec<Listener>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let services = Services::new(options.test_directives);
    grpcio::serve(listeners, services, options.for_grpcio()?, shutdown).await
}
