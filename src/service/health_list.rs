//! The method List of `grpc.health.v1.Health`, the newest of the protocol: every service with its state.
//!
//! tonic-health 0.14.9 has neither the method nor its messages, so they stand here.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use http::Request;
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic::server::{Grpc, UnaryService};
use tonic::{Response, Status};
use tonic_health::pb::health_server::Health as Protocol;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::call::Later;
use super::health::{HealthChecks, NAMES};
use crate::methods::HEALTH_LIST;
use crate::parity::codec::GrpcioCodec;
use crate::parity::request_body::RequestBody;

/// `grpc.health.v1.HealthListRequest`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct HealthListRequest {}

/// `grpc.health.v1.HealthListResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct HealthListResponse {
    /// What Check answers of each service, by its name; the empty name is the server as a whole.
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) statuses: BTreeMap<String, HealthCheckResponse>,
}

/// Answers List; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct HealthList {
    checks: Arc<HealthChecks>,
    compresses: bool,
}

impl HealthList {
    /// Of what `checks` says. If it `compresses`, for clients that accept it.
    pub(super) fn new(checks: HealthChecks, compresses: bool) -> Self {
        Self { checks: Arc::new(checks), compresses }
    }

    /// Whether it is what `request` calls.
    pub(super) fn is_called_by(request: &Request<RequestBody>) -> bool {
        request.uri().path() == HEALTH_LIST
    }

    pub(super) fn call(&self, request: Request<RequestBody>) -> Later {
        let method = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(GrpcioCodec::default());
            if method.compresses {
                grpc = grpc.send_compressed(Gzip).send_compressed(Deflate);
            }
            Ok(grpc.unary(method, request).await)
        })
    }

    async fn list(&self) -> Result<Response<HealthListResponse>, Status> {
        let mut statuses = BTreeMap::new();
        for name in NAMES.map(str::to_owned) {
            let request = HealthCheckRequest { service: name.clone() };
            match self.checks.check(tonic::Request::new(request)).await {
                Ok(checked) => drop(statuses.insert(name, checked.into_inner())),
                // It is gone, because the server is about to end.
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
    use super::HealthList;
    use crate::service::health::Health;
    use tonic_health::pb::health_check_response::ServingStatus::Serving;

    #[tokio::test]
    async fn all_that_is_checked_is_listed() {
        let health = Health::serving().await;
        let list = async || {
            let answer = HealthList::new(health.checks(), false).list().await.expect("no error");
            answer.into_inner().statuses
        };
        let statuses = list().await;
        assert!(statuses.values().all(|state| state.status() == Serving));
        let names: Vec<_> = statuses.into_keys().collect();
        assert_eq!(names, ["", "Calculator", "StreamingCalculator"]);
        health.clone().end().await;
        assert!(list().await.is_empty());
    }
}
