//! Whether a request is a call of a method that there is, decided by its header fields alone.
//!
//! The order is grpcio's: what cannot be parsed first, then what is no gRPC request, then a
//! deadline that has passed, and only then the method.

use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::Either;
use http::header::HeaderValue;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use tower::{Layer, Service};

use super::compression::{self, Encoding};
use super::connection::Peer;
use super::header_fields;
use super::header_list::{self, PseudoFields};
use super::methods::{self, MethodKind, Methods};
use super::refusal::{Refusal, StreamReset};
use super::timeout::{self, Timeout};
use super::trailers;

/// Makes [`Admission`] services.
#[derive(Clone, Debug)]
pub struct AdmissionLayer {
    methods: Methods,
    peer: Peer,
}

/// Lets calls of known methods through and refuses everything else.
#[derive(Clone, Debug)]
pub struct Admission<S> {
    inner: S,
    methods: Methods,
    peer: Peer,
}

impl AdmissionLayer {
    /// For a service with these methods, on the connection of `peer`.
    #[must_use]
    pub fn new(methods: Methods, peer: Peer) -> Self {
        Self { methods, peer }
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission { inner, methods: self.methods.clone(), peer: self.peer.clone() }
    }
}

/// What the inner layers need to know of a call.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    pub(crate) kind: MethodKind,
    /// How long the call may take from its arrival on; `None` is for ever.
    pub(crate) timeout: Option<Duration>,
    /// Of its messages, if the request names one.
    pub(crate) encoding: Option<Encoding>,
}

/// The body of a request that has been let through.
///
/// It carries what is known of the call because an extension of the request would cost three
/// allocations and two look-ups.
#[derive(Debug)]
pub struct AdmittedBody<B> {
    pub(crate) call: Admitted,
    pub(crate) body: B,
}

impl<S> Admission<S> {
    fn admit<B>(&self, parts: &Parts, body: &mut B) -> Result<Admitted, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        header_fields::check_pseudo_fields(&parts.method, &parts.uri)?;
        header_list::check(pseudo_fields(parts), &parts.headers, self.peer.knows_limits())
            .map_err(|(_, status)| status)?;
        let fields = Fields::find(&parts.headers);
        if !is_grpc(parts, &fields) {
            trailers::check_those_that_came(body)?;
            return Err(Refusal::Reset);
        }
        let timeout = match fields.timeout {
            None => None,
            Some(value) => match timeout::parse(value.as_bytes()) {
                Some(Timeout::After(Duration::ZERO)) => {
                    trailers::check_those_that_came(body)?;
                    return Err(timeout::exceeded().into());
                }
                Some(Timeout::After(timeout)) => Some(timeout),
                Some(Timeout::Never) | None => None,
            },
        };
        let Some(kind) = self.methods.kind(&parts.uri) else {
            trailers::check_those_that_came(body)?;
            return Err(methods::not_found().into());
        };
        Ok(Admitted { kind, timeout, encoding: fields.encoding.map(Encoding::named) })
    }
}

fn pseudo_fields(parts: &Parts) -> PseudoFields<'_> {
    let path = parts.uri.path_and_query().map_or(0, |path| path.as_str().len());
    let authority = parts.uri.authority().map(|authority| authority.as_str().len());
    // The scheme does not survive in hyper without an authority; here it can only have been this.
    let scheme = parts.uri.scheme_str().unwrap_or("http").len();
    [
        Some((":path", path)),
        authority.map(|length| (":authority", length)),
        Some((":method", parts.method.as_str().len())),
        Some((":scheme", scheme)),
    ]
}

/// The fields that decide, of several with a name the last one.
///
/// Found in one pass over the few that there are: each look-up would hash a name.
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
                timeout::FIELD => &mut found.timeout,
                compression::FIELD => &mut found.encoding,
                _ => continue,
            };
            *field = Some(value);
        }
        found
    }
}

/// What a POST with trailers to some authority is not. Probes: `method-get`, `te-missing`,
/// `authority-missing*`.
fn is_grpc(parts: &Parts, fields: &Fields<'_>) -> bool {
    parts.method == Method::POST
        && fields.te.is_some()
        && (parts.uri.authority().is_some() || fields.host.is_some())
}

impl<S, B, Answer> Service<Request<B>> for Admission<S>
where
    S: Service<Request<AdmittedBody<B>>, Response = Response<Answer>, Error = StreamReset>,
    B: http_body::Body<Data = Bytes> + Unpin,
    Answer: Default,
{
    type Response = Response<Answer>;
    type Error = StreamReset;
    type Future = Either<Ready<Result<Response<Answer>, StreamReset>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamReset>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, mut body) = request.into_parts();
        match self.admit(&parts, &mut body) {
            Ok(call) => {
                let body = AdmittedBody { call, body };
                Either::Right(self.inner.call(Request::from_parts(parts, body)))
            }
            Err(refusal) => Either::Left(ready(refusal.into_answer())),
        }
    }
}
