//! The methods that tables call by name, and the messages that those have.
//!
//! Read from descriptors, so that a table can have messages of a service that no code here knows.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};

use grpc_interop_protocol::Kind;

/// Services that every agent has a generated stub of.
const WITH_STUB: [&str; 2] = ["Calculator", "StreamingCalculator"];

/// The .proto files of all services, by the name under which one imports another.
const FILES: [(&str, &str); 5] = [
    ("calculator.proto", include_str!("../../../../proto/calculator.proto")),
    ("streaming_calculator.proto", include_str!("../../../../proto/streaming_calculator.proto")),
    ("grpc/health/v1/health.proto", include_str!("../../../proto/grpc/health/v1/health.proto")),
    (
        "grpc/reflection/v1/reflection.proto",
        include_str!("../../../proto/grpc/reflection/v1/reflection.proto"),
    ),
    (
        "grpc/reflection/v1alpha/reflection.proto",
        include_str!("../../../proto/grpc/reflection/v1alpha/reflection.proto"),
    ),
];

/// Finds the embedded files, and those of protobuf itself.
#[derive(Debug)]
struct Embedded(GoogleFileResolver);

impl FileResolver for Embedded {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match FILES.iter().find(|(file, _)| *file == name) {
            Some((_, source)) => File::from_source(name, source),
            None => self.0.open_file(name),
        }
    }
}

/// Every service that a server has; the error says which file cannot be compiled.
static POOL: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    let mut compiler = Compiler::with_file_resolver(Embedded(GoogleFileResolver::new()));
    compiler
        .open_files(FILES.map(|(name, _)| name))
        .map_err(|error| format!("the .proto files cannot be compiled: {error}"))?;
    Ok(compiler.descriptor_pool())
});

/// A method of a service that is known.
#[derive(Clone, Debug)]
pub(crate) struct Method(MethodDescriptor);

impl Method {
    /// The method at `path`, `/Service/Method`; the error lists those that there are.
    pub(crate) fn at(path: &str) -> Result<Self, String> {
        let pool = POOL.as_ref().map_err(Clone::clone)?;
        let path_of =
            |m: &MethodDescriptor| format!("/{}/{}", m.parent_service().full_name(), m.name());
        let all: Vec<_> =
            pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
        all.iter().find(|method| path_of(method) == path).cloned().map(Self).ok_or_else(|| {
            let paths: Vec<_> = all.iter().map(path_of).collect();
            format!(
                "method: there is no `{path}`; there are {}; a call of another has `kind`, and its \
                 messages in hex",
                paths.join(", ")
            )
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        Kind::new(self.0.is_client_streaming(), self.0.is_server_streaming())
    }

    pub(crate) fn has_stub(&self) -> bool {
        WITH_STUB.contains(&self.0.parent_service().full_name())
    }

    pub(crate) fn request(&self) -> MessageDescriptor {
        self.0.input()
    }

    pub(crate) fn reply(&self) -> MessageDescriptor {
        self.0.output()
    }
}
