//! The reflection service, which tools such as grpcurl use instead of .proto files.
//!
//! Both versions are served, because most tools try v1alpha first; they differ only in their names.
//! tonic-reflection's own server is not used: it ends the call if it cannot answer a request, while
//! a tool that looks up several symbols continues after an error; it sends a file without its
//! imports; and it knows other symbols than grpcio-reflection 1.85.1, whose responses these are.

mod files;

use std::pin::Pin;
use std::sync::Arc;

use http::Uri;
use prost_reflect::DescriptorPool;
use tokio_stream::{Stream, StreamExt};
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::server_reflection_server::{
    ServerReflection, ServerReflectionServer,
};
use tonic_reflection::pb::v1::{
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
    ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
};

use super::{Method, REFLECTION_V1, REFLECTION_V1ALPHA};
use crate::grpcio::status;
use crate::grpcio::wire::method::MethodKind::Bidirectional;
use files::Files;

/// The methods of both versions.
pub(crate) const METHODS: [Method; 2] =
    [(REFLECTION_V1, Bidirectional), (REFLECTION_V1ALPHA, Bidirectional)];

/// The names of both services.
pub(super) const NAMES: [&str; 2] =
    ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// The tonic service for `grpc.reflection.v1.ServerReflection`.
pub(super) type Reflection = ServerReflectionServer<ReflectionService>;

/// Turns a v1alpha request into a v1 request, which has the same messages.
pub(super) fn upgrade_v1alpha<B>(request: &mut http::Request<B>) {
    if request.uri().path() == REFLECTION_V1ALPHA {
        *request.uri_mut() = Uri::from_static(REFLECTION_V1);
    }
}

/// Describes the files of `pool`, and lists `services` and both versions of reflection. If it
/// `compresses`, responses are compressed for clients that accept it.
pub(super) fn server(pool: DescriptorPool, services: &[String], compresses: bool) -> Reflection {
    let names = services.iter().map(String::as_str).chain(NAMES);
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort_unstable();
    let service =
        ReflectionService(Arc::new(Described { services: names, files: Files::new(pool) }));
    let server = Reflection::new(service);
    if compresses { server.send_compressed(Gzip).send_compressed(Deflate) } else { server }
}

/// Answers each request of a client.
#[derive(Clone, Debug)]
pub(super) struct ReflectionService(Arc<Described>);

/// What is described.
#[derive(Debug)]
struct Described {
    /// The names of all services, sorted.
    services: Vec<String>,
    files: Files,
}

#[tonic::async_trait]
impl ServerReflection for ReflectionService {
    type ServerReflectionInfoStream =
        Pin<Box<dyn Stream<Item = Result<ServerReflectionResponse, Status>> + Send>>;

    async fn server_reflection_info(
        &self,
        request: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
        let described = Arc::clone(&self.0);
        let responses = request.into_inner().map(move |request| Ok(described.respond(request?)));
        Ok(Response::new(Box::pin(responses)))
    }
}

impl Described {
    fn respond(&self, request: ServerReflectionRequest) -> ServerReflectionResponse {
        let response = match &request.message_request {
            None => Err(Code::InvalidArgument),
            Some(message) => self.look_up(message).ok_or(Code::NotFound),
        };
        ServerReflectionResponse {
            valid_host: String::new(),
            original_request: Some(request),
            message_response: Some(response.unwrap_or_else(error_response)),
        }
    }

    /// `None` if it is not found.
    fn look_up(&self, request: &MessageRequest) -> Option<MessageResponse> {
        let files = match request {
            MessageRequest::FileByFilename(name) => self.files.named(name),
            MessageRequest::FileContainingSymbol(symbol) => self.files.defining(symbol),
            MessageRequest::FileContainingExtension(it) => {
                self.files.defining_extension(&it.containing_type, it.extension_number)
            }
            MessageRequest::AllExtensionNumbersOfType(message) => {
                let (base_type_name, extension_number) = self.files.extensions(message)?;
                let numbers = ExtensionNumberResponse { base_type_name, extension_number };
                return Some(MessageResponse::AllExtensionNumbersResponse(numbers));
            }
            MessageRequest::ListServices(_) => {
                let services = self.services.iter().cloned();
                let service = services.map(|name| ServiceResponse { name }).collect();
                return Some(MessageResponse::ListServicesResponse(ListServiceResponse {
                    service,
                }));
            }
        };
        let file_descriptor_proto = files?;
        Some(MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
            file_descriptor_proto,
        }))
    }
}

/// The error response, whose message is the name of the code.
fn error_response(code: Code) -> MessageResponse {
    MessageResponse::ErrorResponse(ErrorResponse {
        error_code: code.into(),
        error_message: status::name(code).to_lowercase().replace('_', " "),
    })
}

#[cfg(test)]
mod tests {
    use super::{NAMES, Reflection, server, upgrade_v1alpha};
    use super::{REFLECTION_V1 as V1, REFLECTION_V1ALPHA as V1ALPHA};
    use crate::rpc::DESCRIPTORS;
    use prost::Message;
    use prost_reflect::prost_types::FileDescriptorProto;
    use prost_reflect::{DescriptorPool, MessageDescriptor};
    use tonic::body::Body;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{
        ExtensionRequest, ServerReflectionRequest, ServerReflectionResponse,
    };
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

    fn calculators() -> Reflection {
        let pool = DescriptorPool::decode(DESCRIPTORS).expect("valid descriptors");
        server(pool, &["StreamingCalculator".to_owned(), "Calculator".to_owned()], false)
    }

    fn symbol(name: &str) -> MessageRequest {
        MessageRequest::FileContainingSymbol(name.to_owned())
    }

    /// The error code and message of each response, or the names of the files.
    async fn results(requests: Vec<Option<MessageRequest>>) -> Vec<String> {
        let requests: Vec<_> = requests
            .into_iter()
            .map(|message_request| ServerReflectionRequest {
                host: "here".to_owned(),
                message_request,
            })
            .collect();
        let responses = call(calculators(), &requests).await;
        let originals: Vec<_> = responses
            .iter()
            .map(|response| response.original_request.clone().expect("a request"))
            .collect();
        assert_eq!(originals, requests);
        let result = |response: ServerReflectionResponse| match response
            .message_response
            .expect("a response")
        {
            MessageResponse::ErrorResponse(error) => {
                format!("{} {}", error.error_code, error.error_message)
            }
            MessageResponse::FileDescriptorResponse(files) => {
                let files = files.file_descriptor_proto.iter();
                let names = files.map(|file| {
                    let file = FileDescriptorProto::decode(&file[..]).expect("a file");
                    let mut fields = file.message_type.iter().flat_map(|it| &it.field);
                    assert!(fields.all(|field| field.json_name.is_none()));
                    file.name.expect("a name")
                });
                names.collect::<Vec<_>>().join(", ")
            }
            other => format!("{other:?}"),
        };
        responses.into_iter().map(result).collect()
    }

    #[tokio::test]
    async fn an_error_response_does_not_end_the_call() {
        let file = |name: &str| Some(MessageRequest::FileByFilename(name.to_owned()));
        let requests =
            vec![Some(symbol("Abacus")), file("abacus.proto"), None, file("calculator.proto")];
        let expected = ["5 not found", "5 not found", "3 invalid argument", "calculator.proto"];
        assert_eq!(results(requests).await, expected);
    }

    /// As observed with grpcio-reflection 1.85.1 and protobuf 7.36.2.
    #[tokio::test]
    async fn a_symbol_is_anything_but_a_method_and_its_file_is_sent_with_the_imports() {
        const FILES: &str = "streaming_calculator.proto, calculator.proto";
        for (name, expected) in [
            ("StreamingCalculator", FILES),
            ("StreamingCalculator.RootOfEach", "5 not found"),
            ("RepeatedRootsRequest.start", FILES),
            ("RepeatedRootsRequest._interval_ms", FILES),
            ("RepeatedRootsRequest.start.value", "5 not found"),
            (".Number", "5 not found"),
            ("Number", "calculator.proto"),
        ] {
            assert_eq!(results(vec![Some(symbol(name))]).await, [expected], "{name}");
        }
    }

    #[tokio::test]
    async fn extensions_are_listed_and_found() {
        let extension = ExtensionRequest { containing_type: "Number".into(), extension_number: 7 };
        let requests = vec![
            Some(MessageRequest::AllExtensionNumbersOfType("Number".to_owned())),
            Some(MessageRequest::AllExtensionNumbersOfType("Abacus".to_owned())),
            Some(MessageRequest::FileContainingExtension(extension)),
        ];
        let results = results(requests).await;
        assert!(results[0].contains(r#"base_type_name: "Number", extension_number: []"#));
        assert_eq!(results[1..], ["5 not found", "5 not found"]);
    }

    #[tokio::test]
    async fn services_are_listed_in_order() {
        let list = Some(MessageRequest::ListServices("*".to_owned()));
        let listed = results(vec![list]).await.remove(0);
        let names = ["Calculator", "StreamingCalculator", NAMES[0], NAMES[1]];
        let positions = names.map(|name| listed.find(&format!("{name:?}")).expect(name));
        assert!(positions.is_sorted(), "{listed}");
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
