//! The methods that a table can call, with the types of their messages.
//!
//! Read from the descriptors of the .proto files, so that no code has to know a service.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};

use grpc_interop_protocol::Kind;

/// The services of which every agent has a generated stub.
const WITH_STUB: [&str; 2] = ["Calculator", "StreamingCalculator"];

/// The .proto files of all services, by the name under which one imports another.
const FILES: [(&str, &str); 5] = [
    ("calculator.proto", include_str!("../../../proto/calculator.proto")),
    ("streaming_calculator.proto", include_str!("../../../proto/streaming_calculator.proto")),
    ("grpc/health/v1/health.proto", include_str!("../../proto/grpc/health/v1/health.proto")),
    (
        "grpc/reflection/v1/reflection.proto",
        include_str!("../../proto/grpc/reflection/v1/reflection.proto"),
    ),
    (
        "grpc/reflection/v1alpha/reflection.proto",
        include_str!("../../proto/grpc/reflection/v1alpha/reflection.proto"),
    ),
];

/// Finds the embedded files and those of protobuf itself.
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

/// The descriptors of all services, or why the files cannot be compiled.
static POOL: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    let mut compiler = Compiler::with_file_resolver(Embedded(GoogleFileResolver::new()));
    compiler
        .open_files(FILES.map(|(name, _)| name))
        .map_err(|error| format!("the .proto files cannot be compiled: {error}"))?;
    Ok(compiler.descriptor_pool())
});

/// A method of one of these services.
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

    /// Whether every agent has a generated stub for it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_has_the_kind_of_its_declaration() {
        let kind = |path| Method::at(path).unwrap().kind();
        assert_eq!(kind("/Calculator/SquareRoot"), Kind::Unary);
        assert_eq!(kind("/StreamingCalculator/RepeatedRoots"), Kind::ServerStreaming);
        assert_eq!(kind("/StreamingCalculator/RootMeanSquare"), Kind::ClientStreaming);
        assert_eq!(kind("/StreamingCalculator/RootOfEach"), Kind::Bidirectional);
    }

    #[test]
    fn only_the_services_of_the_project_have_stubs() {
        assert!(Method::at("/Calculator/SquareRoot").unwrap().has_stub());
        assert!(!Method::at("/grpc.health.v1.Health/Check").unwrap().has_stub());
    }

    #[test]
    fn an_unknown_method_is_reported_with_those_that_exist() {
        let error = Method::at("/Calculator/CubeRoot").unwrap_err();
        assert!(error.starts_with("method: there is no `/Calculator/CubeRoot`; there are /"));
        assert!(error.contains("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"));
    }
}
