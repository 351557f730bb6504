//! The answer to a call as grpcio reads it.
//!
//! What comes out is always a plain gRPC answer that tonic reads without a second opinion: HTTP
//! status 200, uncompressed messages, and trailers with a status. Whatever broke on the way is in
//! that status.

use std::error::Error;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response, StatusCode};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::answer_body::AnswerBody;
use super::codec::OfClient;
use super::compression::CompressedBody;
use super::failure;
use super::fields::{self, Fields};
use super::request_fields;
use crate::methods;
use crate::parity::compression::Encoding;
use crate::parity::messages::Messages;
use crate::parity::trailers;

/// How many messages the answer to a call has.
///
/// As an extension of a request it says so of this call, whatever its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// Exactly one: a unary or a client-streaming method.
    Unary,
    /// Any number: a server-streaming or a bidirectional method.
    Streaming,
}

impl AnswerKind {
    /// How the method at this path is answered; one that is not known has one answer.
    #[must_use]
    pub fn of_method(uri: &http::Uri) -> Self {
        match methods::kind(uri.path()) {
            Some(kind) if kind.streams_answers() => Self::Streaming,
            _ => Self::Unary,
        }
    }

    /// The trailers of an answer with so many messages.
    ///
    /// grpcio 1.85.1 reports OK and no message for none, and hangs for two; the specification has
    /// a status for both ("Status codes and their use in gRPC", "Response cardinality violation").
    pub(super) fn checked(self, trailers: HeaderMap, messages: usize) -> HeaderMap {
        if self == Self::Streaming || messages == 1 || !fields::are_ok(&trailers) {
            return trailers;
        }
        let status = Status::unimplemented(format!("the answer has {messages} messages, not one"));
        fields::with_status(trailers, &status)
    }
}

/// Makes [`Answer`] services.
#[derive(Clone, Copy, Debug)]
pub struct AnswerLayer {
    kind: fn(&http::Uri) -> AnswerKind,
}

impl AnswerLayer {
    /// `kind` tells of a method's path how it is answered, where the request does not say so.
    #[must_use]
    pub fn new(kind: fn(&http::Uri) -> AnswerKind) -> Self {
        Self { kind }
    }
}

/// Reads answers as grpcio does.
#[derive(Clone, Debug)]
pub struct Answer<S> {
    inner: S,
    kind: fn(&http::Uri) -> AnswerKind,
}

impl<S> Layer<S> for AnswerLayer {
    type Service = Answer<S>;

    fn layer(&self, inner: S) -> Answer<S> {
        Answer { inner, kind: self.kind }
    }
}

impl<S> Service<Request<Body>> for Answer<S>
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
        let kind = extensions.get().copied().unwrap_or_else(|| (self.kind)(request.uri()));
        let compression = extensions.get().copied();
        if let Err(status) = request_fields::settle(request.headers_mut(), compression) {
            return Box::pin(ready(Ok(failed(status))));
        }
        if let Some(compression) = compression {
            request = request.map(|body| Body::new(CompressedBody::new(body, compression)));
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            Ok(match answer.await {
                Ok(answer) => read(answer, kind),
                Err(error) => failed(failure::status(&*error.into())),
            })
        })
    }
}

/// An answer that is nothing but a status.
pub(super) fn failed(status: Status) -> Response<Body> {
    status.into_http()
}

fn read(answer: Response<Body>, kind: AnswerKind) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    let http_status = std::mem::replace(&mut parts.status, StatusCode::OK);
    let is_trailers_only = http_body::Body::is_end_stream(&body);
    let Fields { fields, broken } =
        fields::read(std::mem::take(&mut parts.headers), Some(http_status));
    let names_status = fields.contains_key(fields::STATUS);
    let answer_with = |headers, body| {
        parts.headers = headers;
        Response::from_parts(parts, body)
    };
    if broken.is_none() && !names_status && http_status != StatusCode::OK {
        return failed(of_http_status(http_status));
    }
    if is_trailers_only {
        let trailers = kind.checked(fields::trailers(fields, broken), 0);
        return answer_with(trailers, Body::empty());
    }
    if let Some(status) = broken {
        let body = AnswerBody::ended(trailers::of(&status));
        return answer_with(fields::metadata(fields), Body::new(body));
    }
    let messages = Messages::<OfClient>::new(Encoding::of(&fields));
    let body = AnswerBody::new(body, messages, kind);
    answer_with(fields::metadata(fields), Body::new(body))
}

/// What an answer without a gRPC status means, which a proxy or a wrong server has sent.
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
    use super::{AnswerKind, of_http_status};
    use crate::parity::trailers;
    use http::StatusCode;
    use tonic::{Code, Status};

    #[test]
    fn one_answer_is_exactly_one() {
        let code = |kind: AnswerKind, status: Status, messages| {
            let trailers = kind.checked(trailers::of(&status), messages);
            Status::from_header_map(&trailers).expect("a status").code()
        };
        for (messages, expected) in
            [(0, Code::Unimplemented), (1, Code::Ok), (2, Code::Unimplemented)]
        {
            assert_eq!(code(AnswerKind::Unary, Status::ok(""), messages), expected);
            assert_eq!(code(AnswerKind::Streaming, Status::ok(""), messages), Code::Ok);
            let failed = Status::aborted("");
            assert_eq!(code(AnswerKind::Unary, failed, messages), Code::Aborted);
        }
    }

    #[test]
    fn methods_of_the_contract_are_known_and_others_have_one_answer() {
        let cases = [
            ("/Calculator/SquareRoot", AnswerKind::Unary),
            ("/StreamingCalculator/RootMeanSquare", AnswerKind::Unary),
            ("/StreamingCalculator/RepeatedRoots", AnswerKind::Streaming),
            ("/StreamingCalculator/RootOfEach", AnswerKind::Streaming),
            ("/grpc.health.v1.Health/Watch", AnswerKind::Streaming),
            ("/Abacus/Add", AnswerKind::Unary),
        ];
        for (path, kind) in cases {
            assert_eq!(AnswerKind::of_method(&path.parse().expect("a path")), kind, "{path}");
        }
    }

    #[test]
    fn an_answer_that_is_not_grpcs_has_a_status_too() {
        let cases = [(404, Code::Unimplemented), (503, Code::Unavailable), (500, Code::Unknown)];
        for (http, code) in cases {
            let status = of_http_status(StatusCode::from_u16(http).expect("legal"));
            assert_eq!(status.code(), code);
            assert_eq!(status.message(), format!("Received http2 header with status: {http}"));
        }
    }
}
