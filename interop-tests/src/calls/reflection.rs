//! Reads the descriptors of the services of a running server through its reflection service.
//!
//! A server may serve only one version of reflection, so `v1` is tried first and then `v1alpha`. Their messages have the
//! same fields. Each request is a call of its own, because servers may end a stream after an error.
//!
//! Source: <https://github.com/grpc/grpc-proto/blob/master/grpc/reflection/v1/reflection.proto>

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::DescriptorPool;

use crate::config::descriptors::decode_set;
use crate::http2::frame::{flag, kind};
use crate::http2::{Activity, Endpoint, Frame, Observers, Role, Stream, Timeout, header_block};

/// How long a call may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The versions of the service, in the order in which they are tried.
const VERSIONS: [&str; 2] = ["v1", "v1alpha"];

/// The service itself, which is not one of the user's.
const OWN_PACKAGE: &str = "grpc.reflection.";

/// The status code of an unknown method.
const UNIMPLEMENTED: &str = "12";

/// The reason why the descriptors cannot be read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each error describes it")]
pub(crate) enum ReflectionError {
    #[error("cannot connect to the server at {0}: {1}")]
    Connect(String, #[source] io::Error),
    #[error(
        "the server has no reflection service, neither v1 nor v1alpha; enable it, or name the .proto files with \
         `protos`"
    )]
    Disabled,
    #[error("the server did not respond to a reflection request within {LIMIT:?}")]
    NoResponse,
    #[error("a reflection request failed with grpc-status {status}: {message}")]
    Failed { status: String, message: String },
    #[error("the server does not know {what}, status {code}: {message}")]
    NotFound { what: String, code: i32, message: String },
    #[error("the response to a reflection request is not valid: {0}")]
    Invalid(String),
    #[error("the descriptors of the server are not complete: {0}")]
    Incomplete(String),
}

/// `ServerReflectionRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Request {
    #[prost(string, optional, tag = "3")]
    file_by_filename: Option<String>,
    #[prost(string, optional, tag = "4")]
    file_containing_symbol: Option<String>,
    #[prost(string, optional, tag = "7")]
    list_services: Option<String>,
}

/// `ServerReflectionResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Response {
    #[prost(message, optional, tag = "4")]
    files: Option<Files>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
    #[prost(message, optional, tag = "7")]
    error: Option<ErrorResponse>,
}

/// `FileDescriptorResponse`, and a `FileDescriptorSet`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Files {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    file: Vec<Bytes>,
}

/// `ListServiceResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    service: Vec<Service>,
}

/// `ServiceResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

/// `ErrorResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct ErrorResponse {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The part of a `FileDescriptorProto` that says which other files are needed.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct FileHeader {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "3")]
    dependency: Vec<String>,
}

/// Reads the descriptors of all services of the server at `address`, except reflection itself.
pub(crate) fn read(address: &str) -> Result<DescriptorPool, ReflectionError> {
    for version in VERSIONS {
        match Client::connect(address, version)?.read() {
            Err(ReflectionError::Failed { status, .. }) if status == UNIMPLEMENTED => {}
            result => return result,
        }
    }
    Err(ReflectionError::Disabled)
}

/// A connection to a server.
struct Client {
    endpoint: Endpoint,
    version: &'static str,
    next_stream: u32,
}

impl Client {
    fn connect(address: &str, version: &'static str) -> Result<Self, ReflectionError> {
        let connected = TcpStream::connect(address).and_then(|socket| {
            Endpoint::new(Role::Client, socket, Observers::none(), Activity::default())
        });
        let mut endpoint =
            connected.map_err(|error| ReflectionError::Connect(address.to_owned(), error))?;
        endpoint.send_preface(&[]);
        Ok(Self { endpoint, version, next_stream: 1 })
    }

    fn read(mut self) -> Result<DescriptorPool, ReflectionError> {
        let request = Request { list_services: Some(String::new()), ..Request::default() };
        let services = self.call("its services", &request)?.services.unwrap_or_default().service;
        let mut files = BTreeMap::new();
        for Service { name } in services {
            if !name.starts_with(OWN_PACKAGE) {
                let what = format!("the service `{name}`");
                let symbol = Request { file_containing_symbol: Some(name), ..Request::default() };
                self.add(&mut files, &what, &symbol)?;
            }
        }
        while let Some(name) = missing(&files) {
            let what = format!("the file `{name}`");
            let file = Request { file_by_filename: Some(name.clone()), ..Request::default() };
            self.add(&mut files, &what, &file)?;
            if !files.contains_key(&name) {
                let why = format!("the request for {what} returned other files");
                return Err(ReflectionError::Invalid(why));
            }
        }
        let file = files.into_values().map(|(_, bytes)| bytes).collect();
        decode_set(&Files { file }.encode_to_vec()).map_err(ReflectionError::Incomplete)
    }

    /// Adds the files of a response to `files`.
    fn add(
        &mut self,
        files: &mut BTreeMap<String, (FileHeader, Bytes)>,
        what: &str,
        request: &Request,
    ) -> Result<(), ReflectionError> {
        let response = self.call(what, request)?;
        for bytes in response.files.unwrap_or_default().file {
            let header = FileHeader::decode(bytes.clone())
                .map_err(|error| ReflectionError::Invalid(error.to_string()))?;
            files.insert(header.name.clone(), (header, bytes));
        }
        Ok(())
    }

    /// Makes one request. `what` is what it asks for.
    fn call(&mut self, what: &str, request: &Request) -> Result<Response, ReflectionError> {
        let stream = self.next_stream;
        self.next_stream += 2;
        let Self { endpoint, version, .. } = self;
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", &path),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ];
        let headers = headers.map(|(name, value)| (name.into(), value.into()));
        let block = header_block::encode(&headers);
        endpoint.send(&Frame::new(kind::HEADERS, flag::END_HEADERS, stream, block));
        let message = request.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
        let framed = [&[0], &length[..], &message].concat();
        endpoint.send(&Frame::new(kind::DATA, flag::END_STREAM, stream, framed));
        endpoint.flush();
        let is_complete =
            |endpoint: &Endpoint| endpoint.streams.get(&stream).is_some_and(Stream::is_complete);
        if !endpoint.process_until(Timeout::At(Instant::now() + LIMIT), is_complete) {
            return Err(ReflectionError::NoResponse);
        }
        let response = endpoint.streams.remove(&stream).unwrap_or_default();
        let response = message_of(&response)?;
        match response.error {
            None => Ok(response),
            Some(ErrorResponse { code, message }) => {
                Err(ReflectionError::NotFound { what: what.to_owned(), code, message })
            }
        }
    }
}

/// The name of a file that another one imports and that is not among `files`.
fn missing(files: &BTreeMap<String, (FileHeader, Bytes)>) -> Option<String> {
    let needed: BTreeSet<_> =
        files.values().flat_map(|(header, _)| &header.dependency).cloned().collect();
    needed.into_iter().find(|name| !files.contains_key(name))
}

/// The response in a stream that has ended.
fn message_of(stream: &Stream) -> Result<Response, ReflectionError> {
    let value = |name: &str| {
        let fields = stream.blocks.iter().rev().flatten();
        let (_, value) = fields.into_iter().find(|(other, _)| other == name.as_bytes())?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let invalid = |why: &str| ReflectionError::Invalid(why.to_owned());
    match value("grpc-status") {
        Some(status) if status == "0" => {}
        Some(status) => {
            let message = value("grpc-message").unwrap_or_default();
            return Err(ReflectionError::Failed { status, message });
        }
        None => return Err(invalid("it has no grpc-status")),
    }
    let message =
        stream.data.split_first_chunk::<5>().ok_or_else(|| invalid("it has no message"))?;
    let ([compressed, length @ ..], message) = message;
    if *compressed != 0 || u32::from_be_bytes(*length) as usize != message.len() {
        return Err(invalid("it is not one uncompressed message"));
    }
    Response::decode(message).map_err(|error| invalid(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use calculator::grpcio::serve::listen::Listener;
    use calculator::server;

    use super::*;

    /// The address of a calculator server, which serves until the test process exits.
    fn calculator_server(reflection: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("cannot reserve a port");
        listener.set_nonblocking(true).expect("cannot configure the socket");
        let address = listener.local_addr().expect("the socket has no address");
        let extras = server::Extras { streaming: true, ..server::Extras::default() };
        let mut options = server::options(extras).expect("the descriptors are valid");
        (options.health, options.reflection) = (true, reflection);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let listeners = vec![Listener::Tcp(listener)];
            let never = std::future::pending::<()>();
            runtime
                .expect("cannot start a runtime")
                .block_on(server::serve(listeners, options, never))
        });
        address.to_string()
    }

    #[test]
    fn the_descriptors_of_a_server_are_read() {
        let pool = read(&calculator_server(true)).expect("cannot read the descriptors");
        let mut services: Vec<_> =
            pool.services().map(|service| service.full_name().to_owned()).collect();
        services.sort();
        assert_eq!(services, ["Calculator", "StreamingCalculator", "grpc.health.v1.Health"]);
        // `streaming_calculator.proto` imports `calculator.proto`.
        let request = pool.get_message_by_name("RepeatedRootsRequest");
        let request = request.expect("the message is missing");
        let start = request.get_field_by_name("start").expect("the field is missing").kind();
        assert_eq!(start.as_message().expect("it is a message").full_name(), "Number");
    }

    #[test]
    fn a_server_without_reflection_is_reported() {
        let error = read(&calculator_server(false)).expect_err("it has no reflection");
        assert!(matches!(error, ReflectionError::Disabled), "{error}");
        let error = read("127.0.0.1:1").expect_err("nothing listens");
        assert!(error.to_string().starts_with("cannot connect to the server at 127.0.0.1:1: "));
    }

    #[test]
    fn a_response_is_read_only_if_it_is_complete() {
        let response = |status: &str, data: &[u8]| {
            let trailers = vec![("grpc-status".into(), status.into())];
            let stream =
                Stream { blocks: vec![trailers], data: data.to_vec(), ..Stream::default() };
            message_of(&stream).map_err(|error| error.to_string())
        };
        assert_eq!(response("0", b"\0\0\0\0\0"), Ok(Response::default()));
        let error = |status, data| response(status, data).expect_err("it is not complete");
        assert!(error("13", b"").starts_with("a reflection request failed with grpc-status 13"));
        assert!(error("0", b"").ends_with("it has no message"));
        assert!(error("0", b"\0\0\0\0\x01").ends_with("it is not one uncompressed message"));
        assert!(error("0", b"\0\0\0\0\x01\xff").contains("is not valid: "));
    }
}
