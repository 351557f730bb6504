//! Checks, before a server accepts connections, that the service matches its descriptors.
//!
//! A method that is missing, or a codec that was not selected in `build.rs`, would otherwise become
//! visible only in the responses to some calls. Each method gets a request that fails before its
//! handler runs, and whose status tells what read it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service, ServiceExt};

use super::GrpcService;
use crate::grpcio::status;
use crate::grpcio::wire::codec::{ServerSide, Side};
use crate::grpcio::wire::message;
use crate::grpcio::wire::method::{MethodKind, Methods};
use crate::grpcio::wire::request_body::{CallDetails, RequestBody};

/// How long the check may take. Without a result by then, the server starts.
const LIMIT: Duration = Duration::from_secs(2);

/// An extension of the requests of the check.
///
/// Each method of a service gets one such request when a server starts. A request that is a single
/// message is not valid protobuf, and a stream of requests has an unknown `grpc-encoding`, so tonic
/// responds before it calls a handler. A tower layer around a service, which counts or logs
/// requests, can recognize them by this extension. The layers of
/// [`Options::layer`](super::Options::layer) do not receive them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartCheck;

/// The service differs from its descriptors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartCheckError {
    /// The service does not have a method that its descriptors define.
    #[error(
        "the descriptors define the method {path}, but the service does not have it: generate both \
         from the same .proto, and serve every service that is named"
    )]
    MissingMethod {
        /// The path of the method.
        path: String,
    },
    /// The messages of a method are not read by the codec of grpcio.
    #[error(
        "the method {path} does not use the codec of grpcio, its error message is '{message}': add \
         .codec_path(\"calculator::grpcio::ServerCodec\") to tonic_prost_build in build.rs"
    )]
    Codec {
        /// The path of the method.
        path: String,
        /// The message of its status for a request that is not valid protobuf.
        message: String,
    },
}

/// Checks the `methods` of `service`.
///
/// A method whose status has another reason, such as that of an interceptor which rejects the
/// request, counts as correct.
pub(super) async fn check<S: GrpcService>(
    service: &S,
    methods: &Methods,
) -> Result<(), StartCheckError> {
    let all = async {
        for (path, kind) in methods.iter() {
            // A path from descriptors is always valid.
            let Some(request) = request(path, kind) else { continue };
            if let Some(status) = call(service.clone(), request).await {
                judge(path, kind, &status)?;
            }
        }
        Ok(())
    };
    tokio::time::timeout(LIMIT, all).await.unwrap_or(Ok(()))
}

/// A request that fails before the handler of a method runs.
fn request(path: &str, kind: MethodKind) -> Option<Request<RequestBody>> {
    /// The first byte of a number that never ends.
    const INVALID: &[u8] = b"\xff";
    let call = CallDetails { method: 0, kind, timeout: None, encoding: None };
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
        .header(TE, HeaderValue::from_static("trailers"))
        .extension(StartCheck);
    if kind.streams_requests() {
        let encoding = HeaderName::from_static("grpc-encoding");
        let request = request.header(encoding, HeaderValue::from_static("start-check"));
        return request.body(RequestBody::stream(call, Body::empty())).ok();
    }
    request.body(RequestBody::single(call, message::frame_uncompressed(INVALID))).ok()
}

/// The status of a call, if it has one.
async fn call<S, B>(service: S, request: Request<RequestBody>) -> Option<Status>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes>,
{
    let Ok(response) = service.oneshot(request).await;
    let (head, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        return Some(status);
    }
    let mut body = pin!(body);
    while let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Some(trailers) = frame.trailers_ref() {
            return Status::from_header_map(trailers);
        }
    }
    None
}

fn judge(path: &str, kind: MethodKind, status: &Status) -> Result<(), StartCheckError> {
    let path = path.to_owned();
    // What tonic's generated code, its router and this crate respond for a path without a method.
    let is_missing = status.code() == Code::Unimplemented
        && ["", status::method_not_found().message()].contains(&status.message());
    if is_missing {
        return Err(StartCheckError::MissingMethod { path });
    }
    let is_decoded_otherwise = !kind.streams_requests()
        && status.code() == Code::Internal
        && status.message() != ServerSide::DESERIALIZING_FAILED;
    if is_decoded_otherwise {
        return Err(StartCheckError::Codec { path, message: status.message().to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, StartCheck, StartCheckError, check};
    use crate::grpcio::wire::method::{MethodKind, Methods};
    use crate::grpcio::wire::request_body::RequestBody;
    use crate::service::{dispatch::Services, methods};
    use http::{Request, Response};
    use std::convert::Infallible;
    use tokio::time::Instant;
    use tonic::Status;
    use tonic::body::Body;
    use tonic::service::Routes;
    use tonic_health::server::health_reporter;
    use tower::service_fn;

    const CHECK: &str = "/grpc.health.v1.Health/Check";

    fn missing(path: &str) -> Result<(), StartCheckError> {
        Err(StartCheckError::MissingMethod { path: path.to_owned() })
    }

    #[tokio::test]
    async fn a_service_with_all_methods_and_the_codec_passes() {
        let all = methods();
        let calculators = Methods::new(all.iter().filter(|(path, _)| path.contains("Calculator")));
        assert_eq!(calculators.iter().count(), 5);
        assert_eq!(check(&Services::new(false), &calculators).await, Ok(()));
    }

    #[tokio::test]
    async fn a_missing_method_is_named() {
        for kind in [
            MethodKind::Unary,
            MethodKind::ClientStreaming,
            MethodKind::ServerStreaming,
            MethodKind::Bidirectional,
        ] {
            let path = "/StreamingCalculator/Roots";
            let methods = Methods::new([(path, kind)]);
            assert_eq!(check(&Services::new(false), &methods).await, missing(path));
        }
    }

    #[tokio::test]
    async fn another_codec_is_an_error() {
        let (_, health) = health_reporter();
        let methods = Methods::new([(CHECK, MethodKind::Unary)]);
        let error = check(&health, &methods).await.expect_err("tonic's codec");
        assert!(matches!(error, StartCheckError::Codec { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(CHECK), "{text}");
        assert!(text.contains("codec_path"), "{text}");
    }

    #[tokio::test]
    async fn a_router_without_the_service_has_no_method() {
        let (_, health) = health_reporter();
        let routes = Routes::new(health);
        let methods = Methods::new([("/shop.Shop/Get", MethodKind::Unary)]);
        assert_eq!(check(&routes, &methods).await, missing("/shop.Shop/Get"));
    }

    #[tokio::test]
    async fn a_service_that_rejects_the_request_passes() {
        let service = service_fn(|request: Request<RequestBody>| async move {
            assert_eq!(request.extensions().get(), Some(&StartCheck));
            let status = Status::unauthenticated("no token");
            Ok::<_, Infallible>(status.into_http::<Body>())
        });
        let methods = Methods::new([(CHECK, MethodKind::Unary)]);
        assert_eq!(check(&service, &methods).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_never_responds_passes_after_the_limit() {
        let service = service_fn(|_: Request<RequestBody>| {
            std::future::pending::<Result<Response<Body>, Infallible>>()
        });
        let methods = Methods::new([(CHECK, MethodKind::Unary)]);
        let start = Instant::now();
        assert_eq!(check(&service, &methods).await, Ok(()));
        assert_eq!(start.elapsed(), LIMIT);
    }
}
