//! Only valid requests to existing methods are handled; their header fields decide.
//!
//! The checks have the order of grpcio: fields that cannot be parsed, requests that are not gRPC,
//! deadlines that have passed, and only then the method.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::Either;
use http::header::HeaderValue;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, Uri};
use tonic::Status;
use tower::{Layer, Service};

use super::message_memory::ConnectionMemory;
use super::open_calls;
use super::refusal::{Refusal, StreamReset};
use super::settings_ack::EarlyRequests;
use super::trailers;
use crate::grpcio::status;
use crate::grpcio::wire::compression::{Encoding, GRPC_ENCODING};
use crate::grpcio::wire::header_field;
use crate::grpcio::wire::header_list::{self, PseudoFields};
use crate::grpcio::wire::method::Methods;
use crate::grpcio::wire::request_body::CallDetails;
use crate::grpcio::wire::timeout::{self, GRPC_TIMEOUT, Timeout};

/// Adds [`Admission`] to a service.
#[derive(Clone, Debug)]
pub struct AdmissionLayer {
    methods: Methods,
    early_requests: EarlyRequests,
    memory: ConnectionMemory,
}

/// Passes calls of existing methods on and refuses all other requests.
#[derive(Clone, Debug)]
pub struct Admission<S> {
    inner: S,
    methods: Methods,
    early_requests: EarlyRequests,
    memory: ConnectionMemory,
}

impl AdmissionLayer {
    /// Admits calls of these methods on a connection with these early requests and this memory.
    #[must_use]
    pub fn new(methods: Methods, early_requests: EarlyRequests, memory: ConnectionMemory) -> Self {
        Self { methods, early_requests, memory }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission {
            inner,
            methods: self.methods.clone(),
            early_requests: self.early_requests.clone(),
            memory: self.memory.clone(),
        }
    }
}

/// The body of an admitted request, with the details from its header fields.
#[derive(Debug)]
pub struct AdmittedBody<B> {
    pub(super) call: CallDetails,
    pub(super) body: B,
}

impl<S> Admission<S> {
    fn admit<B>(&self, parts: &mut Parts, body: &mut B) -> Result<CallDetails, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        check_pseudo_fields(&parts.method, &parts.uri)?;
        let limited = !self.early_requests.take();
        let size = header_list::check(pseudo_fields(parts), &parts.headers, limited)
            .map_err(|(_, status)| status)?;
        let fields = Fields::find(&parts.headers);
        if !is_grpc(parts, &fields) {
            trailers::check_arrived(body)?;
            return Err(Refusal::Reset);
        }
        let timeout = match fields.timeout {
            None => None,
            Some(value) => match timeout::parse(value.as_bytes()) {
                Some(Timeout::After(Duration::ZERO)) => {
                    trailers::check_arrived(body)?;
                    return Err(status::deadline_exceeded().into());
                }
                Some(Timeout::After(timeout)) => Some(timeout),
                Some(Timeout::Never) | None => None,
            },
        };
        let Some((method, kind)) = self.methods.find(&parts.uri) else {
            trailers::check_arrived(body)?;
            return Err(status::method_not_found().into());
        };
        let encoding = fields.encoding.map(Encoding::named);
        if let Some(charge) = open_calls::admit(&self.memory, size)? {
            // Counted as long as the handler keeps the fields.
            parts.extensions.insert(Arc::new(charge));
        }
        Ok(CallDetails { method, kind, timeout, encoding })
    }
}

/// Checks the pseudo-header fields.
///
/// GET and PUT can be parsed; they are refused later. Probes: `method-*`, `scheme-*`.
fn check_pseudo_fields(method: &Method, uri: &Uri) -> Result<(), Status> {
    if !matches!(*method, Method::POST | Method::GET | Method::PUT) {
        return Err(header_field::unparsable(":method"));
    }
    match uri.scheme_str() {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(header_field::unparsable(":scheme")),
    }
}

fn pseudo_fields(parts: &Parts) -> PseudoFields<'_> {
    let path = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let authority = parts.uri.authority().map(|authority| authority.as_str().len());
    // hyper drops the scheme if there is no authority; other schemes have been refused before.
    let scheme = parts.uri.scheme_str().unwrap_or("http").len();
    [
        Some((":path", path)),
        authority.map(|length| (":authority", length)),
        Some((":method", parts.method.as_str().len())),
        Some((":scheme", scheme)),
    ]
}

/// The deciding fields. If a field is repeated, the last one counts.
///
/// One pass over the few fields is cheaper than look-ups, each of which hashes a name.
#[derive(Default)]
struct Fields<'a> {
    te: Option<&'a HeaderValue>,
    host: Option<&'a HeaderValue>,
    timeout: Option<&'a HeaderValue>,
    encoding: Option<&'a HeaderValue>,
}

impl<'a> Fields<'a> {
    fn find(headers: &'a HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, value) in headers {
            let field = match name.as_str() {
                "te" => &mut found.te,
                "host" => &mut found.host,
                GRPC_TIMEOUT => &mut found.timeout,
                GRPC_ENCODING => &mut found.encoding,
                _ => continue,
            };
            *field = Some(value);
        }
        found
    }
}

/// Whether the request is a POST with `te` to some authority. Probes: `method-get`, `te-missing`,
/// `authority-missing*`.
fn is_grpc(parts: &Parts, fields: &Fields<'_>) -> bool {
    parts.method == Method::POST
        && fields.te.is_some()
        && (parts.uri.authority().is_some() || fields.host.is_some())
}

impl<S, B, ResBody> Service<Request<B>> for Admission<S>
where
    S: Service<Request<AdmittedBody<B>>, Response = Response<ResBody>, Error = StreamReset>,
    B: http_body::Body<Data = Bytes> + Unpin,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = StreamReset;
    type Future = Either<Ready<Result<Response<ResBody>, StreamReset>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, mut body) = request.into_parts();
        match self.admit(&mut parts, &mut body) {
            Ok(call) => {
                let body = AdmittedBody { call, body };
                Either::Right(self.inner.call(Request::from_parts(parts, body)))
            }
            Err(refusal) => Either::Left(ready(refusal.into_response())),
        }
    }
}
