//! The reflection service, which tools such as grpcurl use instead of .proto files.
//!
//! Both versions are served, because most tools try v1alpha first; they differ only in their names.
//! tonic-reflection ends the call if it cannot answer a request. A tool that looks up several
//! symbols continues after an error response, so each request of a client becomes an internal call
//! of its own.

use std::convert::Infallible;
use std::pin::Pin;

use http::Uri;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::{Request, Response, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::server_reflection_server::{
    ServerReflection, ServerReflectionServer,
};
use tonic_reflection::pb::v1::{ErrorResponse, ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::{v1, v1alpha};
use tonic_reflection::server::{Builder, Error};
use tower::util::BoxCloneSyncService;

use super::methods::{REFLECTION_V1, REFLECTION_V1ALPHA};
use crate::grpcio::status;
use crate::rpc::DESCRIPTORS;

/// The tonic service for `grpc.reflection.v1.ServerReflection`.
pub(super) type Reflection = ServerReflectionServer<ReflectionService>;

/// Turns a v1alpha request into a v1 request, which has the same messages.
pub(super) fn upgrade_v1alpha<B>(request: &mut http::Request<B>) {
    if request.uri().path() == REFLECTION_V1ALPHA {
        *request.uri_mut() = Uri::from_static(REFLECTION_V1);
    }
}

/// Describes the services of `proto/`, both versions of reflection, and health checking if it is
/// enabled.
pub(super) fn server(with_health: bool) -> Result<Reflection, Error> {
    let mut builder = Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false);
    if with_health {
        builder =
            builder.register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    }
    let service = BoxCloneSyncService::new(builder.build_v1()?);
    Ok(Reflection::new(ReflectionService(ServerReflectionClient::new(service))))
}

/// The service of tonic-reflection, whose type cannot be named.
type Inner = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// Passes each request to tonic-reflection in a call of its own.
#[derive(Clone, Debug)]
pub(super) struct ReflectionService(ServerReflectionClient<Inner>);

#[tonic::async_trait]
impl ServerReflection for ReflectionService {
    type ServerReflectionInfoStream =
        Pin<Box<dyn Stream<Item = Result<ServerReflectionResponse, Status>> + Send>>;

    async fn server_reflection_info(
        &self,
        request: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
        let service = self.clone();
        let responses = request.into_inner().then(move |request| {
            let service = service.clone();
            async move { Ok(service.respond(request?).await) }
        });
        Ok(Response::new(Box::pin(responses)))
    }
}

impl ReflectionService {
    async fn respond(mut self, request: ServerReflectionRequest) -> ServerReflectionResponse {
        match self.look_up(request.clone()).await {
            Ok(response) => response,
            Err(status) => error_response(request, &status),
        }
    }

    async fn look_up(
        &mut self,
        request: ServerReflectionRequest,
    ) -> Result<ServerReflectionResponse, Status> {
        let responses = self.0.server_reflection_info(tokio_stream::once(request)).await?;
        let response = responses.into_inner().message().await?;
        response.ok_or_else(|| Status::internal("no answer"))
    }
}

/// The error response of grpcio-reflection 1.85.1, whose message is the name of the code.
fn error_response(request: ServerReflectionRequest, status: &Status) -> ServerReflectionResponse {
    let error = ErrorResponse {
        error_code: status.code().into(),
        error_message: status::name(status.code()).to_lowercase().replace('_', " "),
    };
    ServerReflectionResponse {
        valid_host: String::new(),
        original_request: Some(request),
        message_response: Some(MessageResponse::ErrorResponse(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reflection, server, upgrade_v1alpha};
    use crate::service::methods::{REFLECTION_V1 as V1, REFLECTION_V1ALPHA as V1ALPHA};
    use prost_reflect::{DescriptorPool, MessageDescriptor};
    use tonic::body::Body;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
    use tonic_reflection::pb::{v1, v1alpha};

    async fn call(
        server: Reflection,
        requests: &[ServerReflectionRequest],
    ) -> Vec<ServerReflectionResponse> {
        let requests = tokio_stream::iter(requests.to_vec());
        let responses = ServerReflectionClient::new(server).server_reflection_info(requests).await;
        let mut responses = responses.expect("a stream").into_inner();
        let mut received = Vec::new();
        while let Some(response) = responses.message().await.expect("no error") {
            received.push(response);
        }
        received
    }

    #[tokio::test]
    async fn an_error_response_does_not_end_the_call() {
        let symbol = |name: &str| Some(MessageRequest::FileContainingSymbol(name.to_owned()));
        let requests = [
            symbol("Abacus"),
            Some(MessageRequest::FileByFilename("abacus.proto".to_owned())),
            None,
            symbol("StreamingCalculator.RootOfEach"),
        ]
        .map(|message_request| ServerReflectionRequest {
            host: "here".to_owned(),
            message_request,
        });
        let responses = call(server(false).expect("valid descriptors"), &requests).await;
        let originals: Vec<_> = responses
            .iter()
            .map(|response| response.original_request.clone().expect("a request"))
            .collect();
        assert_eq!(originals, requests);
        let results: Vec<_> = responses
            .into_iter()
            .map(|response| match response.message_response.expect("a response") {
                MessageResponse::ErrorResponse(error) => (error.error_code, error.error_message),
                MessageResponse::FileDescriptorResponse(files) => {
                    (0, format!("{} files", files.file_descriptor_proto.len()))
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let expected =
            [(5, "not found"), (5, "not found"), (3, "invalid argument"), (0, "1 files")];
        assert_eq!(results, expected.map(|(code, text)| (code, text.to_owned())));
    }

    #[tokio::test]
    async fn health_checking_is_listed_if_it_is_enabled() {
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices("*".to_owned())),
        };
        for with_health in [false, true] {
            let server = server(with_health).expect("valid descriptors");
            let responses = format!("{:?}", call(server, std::slice::from_ref(&request)).await);
            assert_eq!(responses.contains("grpc.health.v1.Health"), with_health, "{responses}");
            assert!(responses.contains("grpc.reflection.v1alpha.ServerReflection"), "{responses}");
        }
    }

    #[test]
    fn only_the_v1alpha_method_is_renamed() {
        let elsewhere = "/grpc.reflection.v1alpha.ServerReflection/Other";
        for (path, expected) in [(V1ALPHA, V1), (V1, V1), (elsewhere, elsewhere)] {
            let mut request = http::Request::new(Body::empty());
            *request.uri_mut() = path.parse().expect("a path");
            upgrade_v1alpha(&mut request);
            assert_eq!(request.uri().path(), expected);
        }
    }

    /// The fields of all messages with their numbers, names and types, without the version in their
    /// names.
    fn fields(descriptors: &[u8]) -> Vec<String> {
        let pool = DescriptorPool::decode(descriptors).expect("valid descriptors");
        let of = |message: MessageDescriptor| {
            let fields = message.fields().map(|field| format!("{field:?} {:?}", field.kind()));
            fields.collect::<Vec<_>>()
        };
        let fields = pool.all_messages().flat_map(of);
        fields.map(|field| field.replace("v1alpha", "v1")).collect()
    }

    #[test]
    fn the_versions_have_the_same_messages() {
        let (v1, v1alpha) = (fields(v1::FILE_DESCRIPTOR_SET), fields(v1alpha::FILE_DESCRIPTOR_SET));
        assert!(v1.len() > 10, "{v1:?}");
        assert_eq!(v1, v1alpha);
    }
}
