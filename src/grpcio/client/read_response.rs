//! Every response becomes a plain gRPC response that tonic reads without interpreting it
//! differently.
//!
//! The result has the HTTP status 200, uncompressed messages and trailers with a status. Any
//! failure on the way is in that status.

use std::error::Error;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::compression::{Compression, compress};
use super::response_fields::{self, ParsedFields};
use super::{error_status, request_fields, response_body};
use crate::grpcio::status;
use crate::grpcio::wire::compression::Encoding;
use crate::grpcio::wire::method::{MethodKind, Methods};

/// Adds [`ReadResponse`] to a channel.
#[derive(Clone, Debug)]
pub struct ReadResponseLayer {
    methods: Methods,
}

impl ReadResponseLayer {
    /// Reads the responses of these methods. Any other method counts as unary, unless the
    /// extensions of a request contain a [`MethodKind`].
    #[must_use]
    pub fn new(methods: Methods) -> Self {
        Self { methods }
    }
}

/// Reads responses as grpcio does.
#[derive(Clone, Debug)]
pub struct ReadResponse<S> {
    inner: S,
    methods: Methods,
}

impl<S> Layer<S> for ReadResponseLayer {
    type Service = ReadResponse<S>;

    fn layer(&self, inner: S) -> ReadResponse<S> {
        ReadResponse { inner, methods: self.methods.clone() }
    }
}

impl<S> Service<Request<Body>> for ReadResponse<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let extensions = request.extensions();
        let kind = extensions.get::<MethodKind>().copied();
        let kind = kind.or_else(|| self.methods.kind_at(request.uri().path()));
        let kind = kind.unwrap_or(MethodKind::Unary);
        let compression = extensions.get::<Compression>().copied();
        if let Err(status) = request_fields::finish(request.headers_mut(), compression) {
            return Box::pin(ready(Ok(status.into_http())));
        }
        if let Some(compression) = compression {
            request = request.map(|body| Body::new(compress(body, compression)));
        }
        let response = self.inner.call(request);
        Box::pin(async move {
            Ok(match response.await {
                Ok(response) => read(response, kind),
                Err(error) => error_status::status(&*error.into()).into_http(),
            })
        })
    }
}

fn read(response: Response<Body>, kind: MethodKind) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let http_status = std::mem::replace(&mut parts.status, StatusCode::OK);
    let is_trailers_only = http_body::Body::is_end_stream(&body);
    let ParsedFields { fields, error } =
        response_fields::parse(std::mem::take(&mut parts.headers), Some(http_status));
    let has_status = fields.contains_key(response_fields::GRPC_STATUS);
    let response = |headers, body| {
        parts.headers = headers;
        Response::from_parts(parts, body)
    };
    if error.is_none() && !has_status && http_status != StatusCode::OK {
        return of_http_status(http_status).into_http();
    }
    if is_trailers_only {
        let trailers = response_fields::trailers(fields, error);
        return response(response_body::check_cardinality(trailers, kind, 0), Body::empty());
    }
    if let Some(status) = error {
        let trailers = Ok::<_, Status>(Frame::trailers(status::trailers(&status)));
        let body = StreamBody::new(tokio_stream::once(trailers));
        return response(response_fields::metadata(fields), Body::new(body));
    }
    let body = response_body::decode(body, Encoding::of(&fields), kind);
    response(response_fields::metadata(fields), body)
}

/// The status of a response without a gRPC status, which a proxy or another kind of server has
/// sent.
fn of_http_status(status: StatusCode) -> Status {
    let code = match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("Received http2 header with status: {}", status.as_u16()))
}

#[cfg(test)]
mod tests {
    use super::of_http_status;
    use http::StatusCode;
    use tonic::Code;

    #[test]
    fn a_response_that_is_not_grpc_has_a_status_too() {
        let cases = [(404, Code::Unimplemented), (503, Code::Unavailable), (500, Code::Unknown)];
        for (http, code) in cases {
            let status = of_http_status(StatusCode::from_u16(http).expect("valid"));
            assert_eq!(status.code(), code);
            assert_eq!(status.message(), format!("Received http2 header with status: {http}"));
        }
    }
}
