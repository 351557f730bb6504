//! The state that `grpc.health.v1.Health` tells: everything is SERVING until the server ends.
//!
//! A Watch would last for ever, and keep a server that is to end from ending: so the end of the
//! server is told as NOT_SERVING and ends it.

use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::dispatch::{Calculator, StreamingCalculator};

/// The server as a whole, and its services.
const NAMES: [&str; 3] = ["", Calculator::NAME, StreamingCalculator::NAME];

/// Who is told to be SERVING; clones are the same.
#[derive(Clone, Debug)]
pub struct Health(HealthReporter);

impl Health {
    /// All are SERVING.
    pub async fn serving() -> Self {
        let reporter = HealthReporter::new();
        for name in NAMES {
            reporter.set_service_status(name, ServingStatus::Serving).await;
        }
        Self(reporter)
    }

    /// Tells whoever watches that nothing is served any more, and ends their calls.
    pub async fn end(mut self) {
        for name in NAMES {
            self.0.set_service_status(name, ServingStatus::NotServing).await;
            self.0.clear_service_status(name).await;
        }
    }

    /// The service that tells it.
    pub(super) fn server(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.0.clone()))
    }
}
