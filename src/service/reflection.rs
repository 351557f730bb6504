//! Reflection: what tools such as grpcurl ask a server for instead of its .proto files.
//!
//! Both versions, because most tools still ask for v1alpha first.

use std::convert::Infallible;

use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic_reflection::pb::{v1, v1alpha};
use tonic_reflection::server::{Builder, Error};
use tower::Service;
use tower::util::BoxCloneSyncService;

use crate::rpc::DESCRIPTORS;

/// A service whose type has no name.
pub(super) type Unnamed = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// `grpc.reflection.v1.ServerReflection` and its v1alpha by name, which tell the services of `proto/`,
/// each other, and health checking where there is one.
pub(super) fn servers(with_health: bool) -> Result<[(&'static str, Unnamed); 2], Error> {
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(v1alpha::FILE_DESCRIPTOR_SET)
            .include_reflection_service(false);
        if with_health {
            let health = tonic_health::pb::FILE_DESCRIPTOR_SET;
            builder.register_encoded_file_descriptor_set(health)
        } else {
            builder
        }
    };
    Ok([named(builder().build_v1()?), named(builder().build_v1alpha()?)])
}

fn named<S>(service: S) -> (&'static str, Unnamed)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: NamedService + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    (S::NAME, BoxCloneSyncService::new(service))
}
