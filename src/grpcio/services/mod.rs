//! The services that gRPC defines for every server: health checking and reflection.
//!
//! [`StandardServices`] adds them to the service of a program. They respond like
//! grpcio-health-checking and grpcio-reflection 1.85.1, which the libraries of tonic do not.

mod files;
mod health;
mod health_list;
mod reflection;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::Either;
use pin_project_lite::pin_project;
use prost_reflect::DescriptorPool;
use tonic::body::Body;
use tonic::codec::CompressionEncoding::{Deflate, Gzip};
use tonic_health::pb::health_server::HealthServer;
use tower::Service;

use super::wire::method::MethodKind;
use super::wire::request_body::RequestBody;
pub(crate) use health::Health;
use health::HealthChecks;
use health_list::HealthList;
use reflection::Reflection;

/// The path of a method, `/package.Service/Method`, and its kind.
pub(crate) type Method = (&'static str, MethodKind);

/// The methods of health checking.
pub(crate) const HEALTH: [Method; 3] = health::METHODS;
/// The methods of both versions of reflection.
pub(crate) const REFLECTION: [Method; 2] = reflection::METHODS;

const REFLECTION_V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const REFLECTION_V1ALPHA: &str = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

/// A service of a program with the standard services that are enabled. Clones share them.
#[derive(Clone, Debug)]
pub struct StandardServices<S> {
    program: S,
    standard: Arc<Enabled>,
}

#[derive(Debug, Default)]
struct Enabled {
    health: Option<(HealthServer<HealthChecks>, HealthList)>,
    reflection: Option<Reflection>,
}

/// Which services are enabled, and what they report.
#[derive(Debug)]
pub(crate) struct Enable<'a> {
    /// The state that health checking reports, if it is enabled.
    pub(crate) health: Option<&'a Health>,
    /// The files and the names of the services of the program, if reflection is enabled.
    pub(crate) reflection: Option<(&'a DescriptorPool, &'a [String])>,
    /// Whether responses are compressed for clients that accept it.
    pub(crate) compresses: bool,
}

impl<S> StandardServices<S> {
    /// Adds the enabled services to the service of a program.
    pub(crate) fn new(program: S, enable: &Enable<'_>) -> Self {
        let compresses = enable.compresses;
        let health = enable.health.map(|health| {
            let mut server = HealthServer::new(health.checks());
            if compresses {
                server = server.send_compressed(Gzip).send_compressed(Deflate);
            }
            (server, HealthList::new(health, compresses))
        });
        let reflection = enable.reflection.map(|(pool, services)| {
            let mut services = services.to_vec();
            if health.is_some() {
                services.push(health::NAME.to_owned());
            }
            reflection::server(described(pool), &services, compresses)
        });
        Self { program, standard: Arc::new(Enabled { health, reflection }) }
    }
}

/// The files of the program and of the standard services. A grpcio server describes every file that
/// it has imported, whether or not it serves its services.
fn described(pool: &DescriptorPool) -> DescriptorPool {
    let mut pool = pool.clone();
    for file in files::standard() {
        if pool.get_file_by_name(file.name()).is_none() {
            // The program cannot define the same names in another file, which would be an error.
            let _ = pool.add_file_descriptor_proto(file);
        }
    }
    pool
}

impl<S, B> Service<Request<RequestBody>> for StandardServices<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
{
    type Response = Response<StandardBody<B>>;
    type Error = Infallible;
    type Future = StandardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.program.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        /// What the names of all standard services begin with.
        const PREFIX: &str = "/grpc.";
        if request.uri().path().starts_with(PREFIX) {
            reflection::upgrade_v1alpha(&mut request);
            let path = request.uri().path();
            if let Some((health, list)) = &self.standard.health
                && HEALTH.iter().any(|(method, _)| *method == path)
            {
                let call = if path == health::LIST {
                    list.call(request)
                } else {
                    health.clone().call(request)
                };
                return StandardFuture::standard(call);
            }
            if let Some(reflection) = &self.standard.reflection
                && path == REFLECTION_V1
            {
                return StandardFuture::standard(reflection.clone().call(request));
            }
        }
        StandardFuture::program(self.program.call(request))
    }
}

/// The body of a response of the program or of a standard service.
pub type StandardBody<B> = Either<B, Body>;

/// The response of a standard service.
type BoxedResponse = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

pin_project! {
    /// A call of the program or of a standard service.
    pub struct StandardFuture<F> {
        #[pin]
        program: Option<F>,
        // If it is not a call of the program.
        standard: Option<BoxedResponse>,
    }
}

impl<F> StandardFuture<F> {
    /// A call of the program.
    pub(crate) fn program(call: F) -> Self {
        Self { program: Some(call), standard: None }
    }

    fn standard(call: BoxedResponse) -> Self {
        Self { program: None, standard: Some(call) }
    }
}

impl<F, B> Future for StandardFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<StandardBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(call) = this.program.as_pin_mut() {
            return call.poll(cx).map_ok(|response| response.map(Either::Left));
        }
        let Some(call) = this.standard else { return Poll::Pending };
        call.as_mut().poll(cx).map_ok(|response| response.map(Either::Right))
    }
}
