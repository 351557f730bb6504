//! The state that `grpc.health.v1.Health` tells: everything is SERVING until the server ends.
//!
//! A Watch would last for ever, and keep a server that is to end from ending: so the end of the
//! server is told as NOT_SERVING and ends it. tonic-health refuses to watch a service that it does not
//! know; the protocol says that it is SERVICE_UNKNOWN until it comes.

use std::pin::Pin;

use tokio_stream::{Stream, StreamExt};
use tonic::server::NamedService;
use tonic::{Code, Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_check_response::ServingStatus::ServiceUnknown;
use tonic_health::pb::health_server::Health as Protocol;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

use super::dispatch::{Calculator, StreamingCalculator};

/// The server as a whole.
const SERVER: &str = "";

/// The server as a whole, and its services.
pub(super) const NAMES: [&str; 3] = [SERVER, Calculator::NAME, StreamingCalculator::NAME];

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

    /// What answers calls with it.
    pub(super) fn checks(&self) -> HealthChecks {
        HealthChecks(HealthService::from_health_reporter(self.0.clone()))
    }
}

/// The service `grpc.health.v1.Health`.
#[derive(Debug)]
pub struct HealthChecks(HealthService);

/// The states of what is watched.
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
    /// A service that never comes, for as long as the server lasts.
    async fn watch_unknown(&self) -> Result<Response<States>, Status> {
        let server = HealthCheckRequest { service: SERVER.to_owned() };
        let server = self.0.watch(Request::new(server)).await?;
        let mut answer = Some(HealthCheckResponse { status: ServiceUnknown.into() });
        Ok(server
            .map(|states| Box::pin(states.filter_map(move |_| answer.take().map(Ok))) as States))
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

    #[tokio::test(start_paused = true)]
    async fn a_watch_tells_one_state_and_stays_open_until_the_server_ends() {
        let health = Health::serving().await;
        let checks = health.checks();
        let watch = async |service| checks.watch(request(service)).await.expect("no error");
        let (mut known, mut unknown) =
            (watch("Calculator").await.into_inner(), watch("Abacus").await.into_inner());
        assert_eq!(next(&mut known).await, Some(ServingStatus::Serving));
        assert_eq!(next(&mut unknown).await, Some(ServingStatus::ServiceUnknown));
        for states in [&mut known, &mut unknown] {
            timeout(Duration::from_secs(3600), next(states)).await.expect_err("nothing changes");
        }
        health.end().await;
        assert_eq!(next(&mut known).await, Some(ServingStatus::NotServing));
        assert_eq!(next(&mut known).await, None);
        assert_eq!(next(&mut unknown).await, None);
    }

    #[tokio::test]
    async fn a_check_of_an_unknown_service_is_an_error() {
        let health = Health::serving().await;
        let checks = health.checks();
        let checked = checks.check(request("Calculator")).await.expect("a state").into_inner();
        assert_eq!(checked.status(), ServingStatus::Serving);
        let status = checks.check(request("Abacus")).await.expect_err("unknown");
        assert_eq!(status.code(), Code::NotFound);
    }
}
