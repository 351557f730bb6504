//! Requests to the reflection service: what it finds agrees with a search of the files themselves.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::LazyLock;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use prost::Message;
use prost_reflect::DescriptorPool;
use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
    descriptor_proto::ExtensionRange,
};
use tonic::{Code, Status};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tower::Service;

use super::input::run;
use crate::grpcio::services::{Enable, REFLECTION, StandardServices};
use crate::grpcio::wire::message::{PREFIX_LENGTH, Prefix, frame_uncompressed};
use crate::grpcio::wire::request_body::{CallDetails, RequestBody};
use crate::rpc::DESCRIPTORS;

/// The services of the program. The others are those of gRPC.
const SERVICES: [&str; 2] = ["StreamingCalculator", "Calculator"];

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut pool = DescriptorPool::decode(DESCRIPTORS).expect("valid descriptors");
    pool.add_file_descriptor_proto(features()).expect("a valid file");
    pool
});

/// A file with what `proto/` does not have: a package, extensions, an enum, a oneof, nested types.
fn features() -> FileDescriptorProto {
    let name = |name: &str| Some(name.to_owned());
    let field = |of: &str, number| FieldDescriptorProto {
        name: name(of),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(Type::Int32.into()),
        ..FieldDescriptorProto::default()
    };
    let extension = |of: &str, number| FieldDescriptorProto {
        extendee: name(".a.Message"),
        ..field(of, number)
    };
    let value = EnumValueDescriptorProto {
        name: name("ZERO"),
        number: Some(0),
        ..EnumValueDescriptorProto::default()
    };
    let of_enum = |of: &str, value| EnumDescriptorProto {
        name: name(of),
        value: vec![value],
        ..EnumDescriptorProto::default()
    };
    let inner_value = EnumValueDescriptorProto { name: name("NONE"), ..value.clone() };
    let inner = DescriptorProto {
        name: name("Inner"),
        field: vec![field("deep", 1)],
        enum_type: vec![of_enum("Deep", inner_value)],
        extension: vec![extension("in_inner", 150)],
        ..DescriptorProto::default()
    };
    let message = DescriptorProto {
        name: name("Message"),
        field: vec![FieldDescriptorProto { oneof_index: Some(0), ..field("one", 1) }],
        oneof_decl: vec![OneofDescriptorProto { name: name("choice"), options: None }],
        nested_type: vec![inner],
        extension_range: vec![ExtensionRange { start: Some(100), end: Some(200), options: None }],
        ..DescriptorProto::default()
    };
    FileDescriptorProto {
        name: name("a/features.proto"),
        package: name("a"),
        dependency: vec!["streaming_calculator.proto".to_owned()],
        message_type: vec![message],
        enum_type: vec![of_enum("Enum", value)],
        extension: vec![extension("extra", 100)],
        ..FileDescriptorProto::default()
    }
}

/// Each request has one response with what the files define, and the call continues after an error.
pub(super) fn reflection(bytes: &[u8]) {
    let last = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let messages = [bytes, &last.encode_to_vec()].map(frame_uncompressed);
    let (responses, status) = call(messages.concat());
    let Ok(request) = ServerReflectionRequest::decode(bytes) else {
        assert_eq!((responses.len(), status), (0, Code::Internal), "a message that is not valid");
        return;
    };
    let [first, second] = &responses[..] else { panic!("{responses:?}") };
    assert_eq!(status, Code::Ok);
    for (request, response) in [(request, first), (last, second)] {
        assert_eq!(response.original_request.as_ref(), Some(&request));
        let response = response.message_response.as_ref().expect("a response");
        check(request.message_request.as_ref(), response);
    }
}

/// The responses to these messages, and the status of the call.
fn call(messages: Vec<u8>) -> (Vec<ServerReflectionResponse>, Code) {
    type Program = tower::util::ServiceFn<fn(Request<RequestBody>) -> Ready<Result>>;
    type Result = std::result::Result<Response<Full<Bytes>>, Infallible>;
    thread_local!(static SERVER: StandardServices<Program> = {
        let services = SERVICES.map(str::to_owned);
        let reflection = Some((&*POOL, &services[..]));
        let enable = Enable { health: None, reflection, compresses: false };
        let program: fn(_) -> _ = |_| ready(Ok(Response::default()));
        StandardServices::new(tower::service_fn(program), &enable)
    });
    let (path, kind) = REFLECTION[0];
    let details = CallDetails { method: 0, kind, timeout: None, encoding: None };
    let body = RequestBody::stream(
        details,
        tonic::body::Body::new(
            Full::from(messages).map_err(|never: Infallible| -> Status { match never {} }),
        ),
    );
    let request = Request::post(path).body(body).expect("a valid request");
    let mut server = SERVER.with(Clone::clone);
    let (headers, trailers, body) = run(async {
        let Ok(response) = server.call(request).await;
        let (parts, mut body) = response.into_parts();
        let (mut data, mut trailers) = (Vec::new(), None);
        // The trailers are the end: what a body has after them is never read.
        while trailers.is_none()
            && let Some(frame) = body.frame().await
        {
            match frame.expect("the status is in the trailers").into_data() {
                Ok(message) => data.extend(message),
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        (parts.headers, trailers, data)
    });
    let status = Status::from_header_map(trailers.as_ref().unwrap_or(&headers));
    let mut rest = &body[..];
    let mut responses = Vec::new();
    while let Some(prefix) = Prefix::read(rest) {
        let (message, after) = rest[PREFIX_LENGTH..].split_at(prefix.length);
        responses.push(ServerReflectionResponse::decode(message).expect("a response"));
        rest = after;
    }
    assert_eq!(rest, b"");
    (responses, status.expect("a status").code())
}

fn check(request: Option<&MessageRequest>, response: &MessageResponse) {
    // The files of the standard services are not searched here.
    let is_standard = |name: &str| name.contains("grpc") || name.contains("google");
    let files = || POOL.files().map(|file| file.file_descriptor_proto().clone());
    let found: Option<FileDescriptorProto> = match request {
        None => return assert_eq!(error(response), Some(Code::InvalidArgument)),
        Some(MessageRequest::ListServices(_)) => {
            let MessageResponse::ListServicesResponse(list) = response else {
                panic!("{response:?}")
            };
            let names: Vec<_> = list.service.iter().map(|service| &*service.name).collect();
            assert!(names.is_sorted() && SERVICES.iter().all(|name| names.contains(name)));
            return assert_eq!(names.len(), SERVICES.len() + 2);
        }
        Some(MessageRequest::AllExtensionNumbersOfType(name)) => {
            let is_there =
                name == "a.Message" || files().any(|file| symbols(&file).messages.contains(name));
            if is_standard(name) {
                return;
            }
            let MessageResponse::AllExtensionNumbersResponse(numbers) = response else {
                assert_eq!(error(response), Some(Code::NotFound));
                return assert!(!is_there, "{name}");
            };
            assert!(is_there && numbers.base_type_name == *name, "{name}: {numbers:?}");
            let expected: &[i32] = if name == "a.Message" { &[100, 150] } else { &[] };
            return assert_eq!(numbers.extension_number, expected);
        }
        Some(MessageRequest::FileByFilename(name)) => {
            if is_standard(name) {
                return;
            }
            files().find(|file| file.name() == name)
        }
        Some(MessageRequest::FileContainingSymbol(name)) => {
            if is_standard(name) {
                return;
            }
            files().find(|file| symbols(file).all.contains(name))
        }
        Some(MessageRequest::FileContainingExtension(it)) => {
            let is_one =
                it.containing_type == "a.Message" && [100, 150].contains(&it.extension_number);
            files().find(|_| is_one).and_then(|_| files().find(|file| file.package() == "a"))
        }
    };
    let Some(found) = found else { return assert_eq!(error(response), Some(Code::NotFound)) };
    let MessageResponse::FileDescriptorResponse(sent) = response else { panic!("{response:?}") };
    let decode = |file: &Vec<u8>| FileDescriptorProto::decode(&file[..]).expect("a file");
    let sent: Vec<_> = sent.file_descriptor_proto.iter().map(decode).collect();
    assert_eq!(sent[0].name(), found.name());
    assert_eq!(symbols(&sent[0]).all, symbols(&found).all);
    for (index, file) in sent.iter().enumerate() {
        let position = |name: &str| sent.iter().position(|file| file.name() == name);
        assert_eq!(position(file.name()), Some(index), "no file is sent twice");
        assert!(file.dependency.iter().all(|name| position(name).is_some_and(|at| at > index)));
        assert!(file.source_code_info.is_none());
    }
}

fn error(response: &MessageResponse) -> Option<Code> {
    match response {
        MessageResponse::ErrorResponse(error) => Some(error.error_code.into()),
        _ => None,
    }
}

/// The full names that a file defines.
#[derive(Default)]
struct Symbols {
    /// Those that reflection finds.
    all: Vec<String>,
    messages: Vec<String>,
}

fn symbols(file: &FileDescriptorProto) -> Symbols {
    let mut symbols = Symbols::default();
    let package = file.package();
    let names = file.service.iter().map(ServiceDescriptorProto::name);
    let names = names.chain(file.extension.iter().map(FieldDescriptorProto::name));
    symbols.all.extend(names.map(|name| full(package, name)));
    file.enum_type.iter().for_each(|it| symbols.add_enum(package, it));
    file.message_type.iter().for_each(|it| symbols.add_message(package, it));
    symbols
}

impl Symbols {
    fn add_message(&mut self, scope: &str, message: &DescriptorProto) {
        let scope = &full(scope, message.name());
        let names = message.field.iter().chain(&message.extension).map(FieldDescriptorProto::name);
        let names = names.chain(message.oneof_decl.iter().map(OneofDescriptorProto::name));
        self.all.extend(names.map(|name| full(scope, name)));
        message.enum_type.iter().for_each(|it| self.add_enum(scope, it));
        message.nested_type.iter().for_each(|it| self.add_message(scope, it));
        self.all.push(scope.clone());
        self.messages.push(scope.clone());
    }

    /// The values of an enum are in the scope of the enum itself.
    fn add_enum(&mut self, scope: &str, of: &EnumDescriptorProto) {
        let values = of.value.iter().map(EnumValueDescriptorProto::name);
        self.all.extend(values.chain([of.name()]).map(|name| full(scope, name)));
    }
}

fn full(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}
