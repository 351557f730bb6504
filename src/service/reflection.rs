//! Reflection: what tools such as grpcurl ask a server for instead of its .proto files.
//!
//! Both versions, because most tools still ask for v1alpha first; they differ in nothing but their
//! names. tonic-reflection ends the call where it has no answer. A tool that looks for several symbols
//! goes on after an error response, so each question is a call of its own behind the client's.

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

use crate::methods::{REFLECTION_V1, REFLECTION_V1ALPHA};
use crate::rpc::DESCRIPTORS;
use crate::status;

/// `grpc.reflection.v1.ServerReflection` as tonic serves it.
pub(super) type Reflection = ServerReflectionServer<Questions>;

/// Makes a request to v1alpha one to v1, whose messages are the same.
pub(super) fn unite_versions<B>(request: &mut http::Request<B>) {
    if request.uri().path() == REFLECTION_V1ALPHA {
        *request.uri_mut() = Uri::from_static(REFLECTION_V1);
    }
}

/// Tells the services of `proto/`, itself in both versions, and health checking where there is one.
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
    Ok(Reflection::new(Questions(ServerReflectionClient::new(service))))
}

/// tonic-reflection's service, whose type has no name.
type Service = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible>;

/// Asks tonic-reflection one question after the other.
#[derive(Clone, Debug)]
pub(super) struct Questions(ServerReflectionClient<Service>);

#[tonic::async_trait]
impl ServerReflection for Questions {
    type ServerReflectionInfoStream =
        Pin<Box<dyn Stream<Item = Result<ServerReflectionResponse, Status>> + Send>>;

    async fn server_reflection_info(
        &self,
        request: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
        let questions = self.clone();
        let answers = request.into_inner().then(move |question| {
            let questions = questions.clone();
            async move { Ok(questions.ask(question?).await) }
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

impl Questions {
    async fn ask(mut self, question: ServerReflectionRequest) -> ServerReflectionResponse {
        match self.answer(question.clone()).await {
            Ok(answer) => answer,
            Err(status) => error_response(question, &status),
        }
    }

    async fn answer(
        &mut self,
        question: ServerReflectionRequest,
    ) -> Result<ServerReflectionResponse, Status> {
        let answers = self.0.server_reflection_info(tokio_stream::once(question)).await?;
        let answer = answers.into_inner().message().await?;
        answer.ok_or_else(|| Status::internal("no answer"))
    }
}

/// As grpcio-reflection 1.85.1 words it: the code's own name, whatever is not found.
fn error_response(question: ServerReflectionRequest, status: &Status) -> ServerReflectionResponse {
    let error = ErrorResponse {
        error_code: status.code().into(),
        error_message: status::name(status.code()).to_lowercase().replace('_', " "),
    };
    ServerReflectionResponse {
        valid_host: String::new(),
        original_request: Some(question),
        message_response: Some(MessageResponse::ErrorResponse(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Reflection, server, unite_versions};
    use crate::methods::{REFLECTION_V1 as V1, REFLECTION_V1ALPHA as V1ALPHA};
    use prost_reflect::{DescriptorPool, MessageDescriptor};
    use tonic::body::Body;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
    use tonic_reflection::pb::{v1, v1alpha};

    async fn ask(
        server: Reflection,
        questions: &[ServerReflectionRequest],
    ) -> Vec<ServerReflectionResponse> {
        let questions = tokio_stream::iter(questions.to_vec());
        let answers = ServerReflectionClient::new(server).server_reflection_info(questions).await;
        let mut answers = answers.expect("a stream").into_inner();
        let mut all = Vec::new();
        while let Some(answer) = answers.message().await.expect("no error") {
            all.push(answer);
        }
        all
    }

    #[tokio::test]
    async fn a_question_without_an_answer_does_not_end_the_call() {
        let symbol = |name: &str| Some(MessageRequest::FileContainingSymbol(name.to_owned()));
        let questions = [
            symbol("Abacus"),
            Some(MessageRequest::FileByFilename("abacus.proto".to_owned())),
            None,
            symbol("StreamingCalculator.RootOfEach"),
        ]
        .map(|question| ServerReflectionRequest {
            host: "here".to_owned(),
            message_request: question,
        });
        let answers = ask(server(false).expect("our own"), &questions).await;
        let originals: Vec<_> = answers
            .iter()
            .map(|answer| answer.original_request.clone().expect("a question"))
            .collect();
        assert_eq!(originals, questions);
        let told: Vec<_> = answers
            .into_iter()
            .map(|answer| match answer.message_response.expect("an answer") {
                MessageResponse::ErrorResponse(error) => (error.error_code, error.error_message),
                MessageResponse::FileDescriptorResponse(files) => {
                    (0, format!("{} files", files.file_descriptor_proto.len()))
                }
                other => panic!("{other:?}"),
            })
            .collect();
        let expected =
            [(5, "not found"), (5, "not found"), (3, "invalid argument"), (0, "1 files")];
        assert_eq!(told, expected.map(|(code, text)| (code, text.to_owned())));
    }

    #[tokio::test]
    async fn health_checking_is_told_where_there_is_one() {
        let question = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices("*".to_owned())),
        };
        for with_health in [false, true] {
            let server = server(with_health).expect("our own");
            let answers = format!("{:?}", ask(server, std::slice::from_ref(&question)).await);
            assert_eq!(answers.contains("grpc.health.v1.Health"), with_health, "{answers}");
            assert!(answers.contains("grpc.reflection.v1alpha.ServerReflection"), "{answers}");
        }
    }

    #[test]
    fn only_the_method_of_the_other_version_is_renamed() {
        let elsewhere = "/grpc.reflection.v1alpha.ServerReflection/Other";
        for (path, expected) in [(V1ALPHA, V1), (V1, V1), (elsewhere, elsewhere)] {
            let mut request = http::Request::new(Body::empty());
            *request.uri_mut() = path.parse().expect("a path");
            unite_versions(&mut request);
            assert_eq!(request.uri().path(), expected);
        }
    }

    /// The fields of all messages: their numbers, names and types, without the package's name.
    fn fields(descriptors: &[u8]) -> Vec<String> {
        let pool = DescriptorPool::decode(descriptors).expect("a library's own");
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
