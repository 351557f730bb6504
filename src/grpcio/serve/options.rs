//! The options of a server.

use std::num::NonZeroUsize;
use std::time::Duration;

use prost_reflect::DescriptorPool;
use tokio_util::sync::CancellationToken;
use tower::layer::util::{Identity, Stack};

use super::connection_options::ConnectionOptions;
use super::tls::Tls;
use crate::grpcio::descriptors::{self, DescriptorsError};
use crate::grpcio::server::message_memory::MessageMemory;
use crate::grpcio::services::{HEALTH, REFLECTION};
use crate::grpcio::wire::method::Methods;

/// The default of [`Options::drain`]: less than the 30 s after which Kubernetes kills a process
/// that it has asked to end.
pub const DRAIN: Duration = Duration::from_secs(25);

/// What a server serves and how.
///
/// By default it serves the named services in the runtime of the caller, without encryption.
#[derive(Clone, Debug)]
pub struct Options<L = Identity> {
    /// Whether `grpc.health.v1.Health` is served: the server and its services are SERVING until it
    /// shuts down.
    pub health: bool,
    /// Whether reflection is served, versions v1 and v1alpha.
    pub reflection: bool,
    /// TLS for all connections.
    pub tls: Option<Tls>,
    /// How many connections there are, and how long each of them lasts.
    pub connections: ConnectionOptions,
    /// The memory for open calls and their messages, by default 256 MiB. Servers with clones of it share it.
    pub message_memory: MessageMemory,
    /// How long the calls in flight may take after the shutdown has begun. The default is
    /// [`DRAIN`].
    pub drain: Duration,
    /// Cancelling it ends that time.
    pub end_drain: CancellationToken,
    /// Whether health checking and reflection compress their responses for clients that accept it.
    /// A grpcio server does not do that by default.
    pub compress: bool,
    /// How many threads serve connections: the runtime of the caller is the first, and each other
    /// one is a thread with a runtime of its own.
    pub workers: NonZeroUsize,
    pub(super) services: Vec<String>,
    pub(super) methods: Methods,
    pub(super) pool: DescriptorPool,
    pub(super) layer: L,
}

impl Options {
    /// Serves the services with these full names, such as `shop.v1.Shop`, as an encoded
    /// `FileDescriptorSet` describes them. `tonic_prost_build` writes such a set with
    /// `file_descriptor_set_path`.
    pub fn new(descriptors: &[u8], services: &[&str]) -> Result<Self, DescriptorsError> {
        let pool = descriptors::decode(descriptors)?;
        let methods = descriptors::methods(&descriptors::find(&pool, services)?);
        Ok(Self {
            health: false,
            reflection: false,
            tls: None,
            connections: ConnectionOptions::default(),
            message_memory: MessageMemory::default(),
            drain: DRAIN,
            end_drain: CancellationToken::new(),
            compress: false,
            workers: NonZeroUsize::MIN,
            services: services.iter().map(|name| (*name).to_owned()).collect(),
            methods,
            pool,
            layer: Identity::new(),
        })
    }
}

impl<L> Options<L> {
    /// Wraps all services, including health checking and reflection, in `layer`, for example to
    /// authenticate callers. A layer that is added later is outside of those before.
    ///
    /// The rules of grpcio are around all layers: a layer receives only calls of existing methods,
    /// whose messages are complete and uncompressed.
    #[must_use]
    pub fn layer<M>(self, layer: M) -> Options<Stack<L, M>> {
        Options {
            health: self.health,
            reflection: self.reflection,
            tls: self.tls,
            connections: self.connections,
            message_memory: self.message_memory,
            drain: self.drain,
            end_drain: self.end_drain,
            compress: self.compress,
            workers: self.workers,
            services: self.services,
            methods: self.methods,
            pool: self.pool,
            layer: Stack::new(self.layer, layer),
        }
    }

    /// The methods of all services that are served.
    pub(super) fn all_methods(&self) -> Methods {
        let health = HEALTH.into_iter().filter(|_| self.health);
        let reflection = REFLECTION.into_iter().filter(|_| self.reflection);
        self.methods.and(health.chain(reflection))
    }
}
