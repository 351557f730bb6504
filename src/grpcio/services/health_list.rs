//! The method List of `grpc.health.v1.Health`, which returns the state of every service.
//!
//! tonic-health 0.14.9 has neither this recent method nor its messages.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use http::Request;
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic::server::{Grpc, UnaryService};
use tonic::{Response, Status};
use tonic_health::pb::health_server::Health as Protocol;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::BoxedResponse;
use super::health::{Health, HealthChecks};
use crate::grpcio::wire::codec::ServerCodec;
use crate::grpcio::wire::request_body::RequestBody;

/// `grpc.health.v1.HealthListRequest`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct HealthListRequest {}

/// `grpc.health.v1.HealthListResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HealthListResponse {
    /// The response of Check for each service by name; the empty name is the server as a whole.
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) statuses: BTreeMap<String, HealthCheckResponse>,
}

/// Implements List. Clones share the state.
#[derive(Clone, Debug)]
pub(super) struct HealthList {
    checks: Arc<HealthChecks>,
    names: Arc<[String]>,
    compresses: bool,
}

impl HealthList {
    /// Lists what `health` reports. If it `compresses`, responses are compressed for clients that
    /// accept it.
    pub(super) fn new(health: &Health, compresses: bool) -> Self {
        let names = Arc::clone(health.names());
        Self { checks: Arc::new(health.checks()), names, compresses }
    }

    pub(super) fn call(&self, request: Request<RequestBody>) -> BoxedResponse {
        let method = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ServerCodec::default());
            if method.compresses {
                grpc = grpc.send_compressed(Gzip).send_compressed(Deflate);
            }
            Ok(grpc.unary(method, request).await)
        })
    }

    async fn list(&self) -> Result<Response<HealthListResponse>, Status> {
        let mut statuses = BTreeMap::new();
        for name in self.names.iter().cloned() {
            let request = HealthCheckRequest { service: name.clone() };
            match self.checks.check(tonic::Request::new(request)).await {
                Ok(checked) => drop(statuses.insert(name, checked.into_inner())),
                // The state has been removed because the server is shutting down.
                Err(status) if status.code() == tonic::Code::NotFound => {}
                Err(status) => return Err(status),
            }
        }
        Ok(Response::new(HealthListResponse { statuses }))
    }
}

impl UnaryService<HealthListRequest> for HealthList {
    type Response = HealthListResponse;
    type Future =
        Pin<Box<dyn Future<Output = Result<Response<HealthListResponse>, Status>> + Send>>;

    fn call(&mut self, _: tonic::Request<HealthListRequest>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move { method.list().await })
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, HealthList};
    use tonic_health::pb::health_check_response::ServingStatus::Serving;

    #[tokio::test]
    async fn every_service_is_listed() {
        let services = ["Calculator", "StreamingCalculator"].map(str::to_owned);
        let health = Health::serving(&services).await;
        let list = async || {
            let response = HealthList::new(&health, false).list().await.expect("no error");
            response.into_inner().statuses
        };
        let statuses = list().await;
        assert!(statuses.values().all(|state| state.status() == Serving));
        let names: Vec<_> = statuses.into_keys().collect();
        assert_eq!(names, ["", "Calculator", "StreamingCalculator"]);
        health.clone().shut_down().await;
        assert!(list().await.is_empty());
    }
}
