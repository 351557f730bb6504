//! The service `grpc.health.v1.Health`: everything is SERVING until the server shuts down.
//!
//! A Watch never ends by itself and would block the shutdown, so it reports NOT_SERVING and ends
//! then. tonic-health rejects a Watch of an unknown service; the protocol requires it to report
//! SERVICE_UNKNOWN until the service exists.

use std::pin::Pin;
use std::sync::Arc;

use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_check_response::ServingStatus::ServiceUnknown;
use tonic_health::pb::health_server::Health as Protocol;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

use super::Method;
use crate::grpcio::wire::method::MethodKind::{ServerStreaming, Unary};

/// The name of the service.
pub(super) const NAME: &str = "grpc.health.v1.Health";

/// The methods of the service.
pub(super) const METHODS: [Method; 3] = [
    ("/grpc.health.v1.Health/Check", Unary),
    (LIST, Unary),
    ("/grpc.health.v1.Health/Watch", ServerStreaming),
];

/// The path of the method List.
pub(super) const LIST: &str = "/grpc.health.v1.Health/List";

/// The name that stands for the server as a whole.
const SERVER: &str = "";

/// The state of all services. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    reporter: HealthReporter,
    /// The names with a state: the server as a whole and its services.
    names: Arc<[String]>,
}

impl Health {
    /// The server and its `services` are SERVING.
    pub(crate) async fn serving(services: &[String]) -> Self {
        let reporter = HealthReporter::new();
        let server = [SERVER.to_owned()];
        let names: Arc<[String]> = server.iter().chain(services).cloned().collect();
        for name in &*names {
            reporter.set_service_status(name, ServingStatus::Serving).await;
        }
        Self { reporter, names }
    }

    /// Reports NOT_SERVING to all watchers and ends their calls.
    pub(crate) async fn shut_down(mut self) {
        for name in &*self.names {
            self.reporter.set_service_status(name, ServingStatus::NotServing).await;
            self.reporter.clear_service_status(name).await;
        }
    }

    /// The service that reports the state.
    pub(super) fn checks(&self) -> HealthChecks {
        HealthChecks(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// The names with a state.
    pub(super) fn names(&self) -> &Arc<[String]> {
        &self.names
    }
}

/// The service `grpc.health.v1.Health`.
#[derive(Debug)]
pub(super) struct HealthChecks(HealthService);

/// The states of a watched service.
type States = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Protocol for HealthChecks {
    type WatchStream = States;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.check(request).await
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<States>, Status> {
        match self.0.watch(request).await {
            Ok(states) => Ok(states.map(|states| Box::pin(states) as States)),
            Err(status) if status.code() == Code::NotFound => self.watch_unknown().await,
            Err(status) => Err(status),
        }
    }
}

impl HealthChecks {
    /// Watches a service that never exists, until the server shuts down.
    async fn watch_unknown(&self) -> Result<Response<States>, Status> {
        let server = HealthCheckRequest { service: SERVER.to_owned() };
        let server = self.0.watch(Request::new(server)).await?;
        let mut response = Some(HealthCheckResponse { status: ServiceUnknown.into() });
        Ok(server
            .map(|states| Box::pin(states.filter_map(move |_| response.take().map(Ok))) as States))
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, States};
    use std::time::Duration;
    use tokio::time::timeout;
    use tokio_stream::StreamExt;
    use tonic::{Code, Request};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::health_server::Health as _;

    fn request(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest { service: service.to_owned() })
    }

    async fn next(states: &mut States) -> Option<ServingStatus> {
        states.next().await.map(|state| state.expect("no error").status())
    }

    async fn calculator() -> Health {
        Health::serving(&["Calculator".to_owned()]).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_reports_one_state_and_stays_open_until_the_shutdown() {
        let health = calculator().await;
        let checks = health.checks();
        let watch = async |service| checks.watch(request(service)).await.expect("no error");
        let (mut known, mut unknown) =
            (watch("Calculator").await.into_inner(), watch("Abacus").await.into_inner());
        assert_eq!(next(&mut known).await, Some(ServingStatus::Serving));
        assert_eq!(next(&mut unknown).await, Some(ServingStatus::ServiceUnknown));
        for states in [&mut known, &mut unknown] {
            timeout(Duration::from_secs(3600), next(states)).await.expect_err("no change");
        }
        health.shut_down().await;
        assert_eq!(next(&mut known).await, Some(ServingStatus::NotServing));
        assert_eq!(next(&mut known).await, None);
        assert_eq!(next(&mut unknown).await, None);
    }

    #[tokio::test]
    async fn a_check_of_an_unknown_service_is_an_error() {
        let health = calculator().await;
        let checks = health.checks();
        let checked = checks.check(request("Calculator")).await.expect("a state").into_inner();
        assert_eq!(checked.status(), ServingStatus::Serving);
        let status = checks.check(request("Abacus")).await.expect_err("unknown");
        assert_eq!(status.code(), Code::NotFound);
    }
}
