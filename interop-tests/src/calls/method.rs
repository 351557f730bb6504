//! The methods that a table can call, with the types of their messages.
//!
//! They are in the descriptors of the .proto files, which the build script compiles, so that no code has to know
//! a service.

use std::sync::LazyLock;

use grpc_interop_protocol::Kind;
use prost_reflect::{DescriptorPool, MethodDescriptor};

/// The services of which every agent has a generated stub.
const WITH_STUB: [&str; 2] = ["Calculator", "StreamingCalculator"];

/// The descriptors of all services, or why they cannot be read.
static POOL: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    DescriptorPool::decode(&include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"))[..])
        .map_err(|error| format!("the descriptors of the .proto files: {error}"))
});

/// The method at `path`, `/Service/Method`; the error lists those that there are.
pub(crate) fn find(path: &str) -> Result<MethodDescriptor, String> {
    let path_of =
        |m: &MethodDescriptor| format!("/{}/{}", m.parent_service().full_name(), m.name());
    let services = POOL.as_ref().map_err(Clone::clone)?.services();
    let all: Vec<_> = services.flat_map(|it| it.methods().collect::<Vec<_>>()).collect();
    all.iter().find(|method| path_of(method) == path).cloned().ok_or_else(|| {
        let paths: Vec<_> = all.iter().map(path_of).collect();
        format!(
            "method: there is no `{path}`; there are {}; a call of another has `kind`, and its \
             messages in hex",
            paths.join(", ")
        )
    })
}

pub(crate) fn kind(method: &MethodDescriptor) -> Kind {
    Kind::new(method.is_client_streaming(), method.is_server_streaming())
}

/// Whether every agent has a generated stub for it.
pub(crate) fn has_stub(method: &MethodDescriptor) -> bool {
    WITH_STUB.contains(&method.parent_service().full_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_has_the_kind_of_its_declaration() {
        let kind = |path| kind(&find(path).unwrap());
        assert_eq!(kind("/Calculator/SquareRoot"), Kind::Unary);
        assert_eq!(kind("/StreamingCalculator/RepeatedRoots"), Kind::ServerStreaming);
        assert_eq!(kind("/StreamingCalculator/RootMeanSquare"), Kind::ClientStreaming);
        assert_eq!(kind("/StreamingCalculator/RootOfEach"), Kind::Bidirectional);
    }

    #[test]
    fn only_the_services_of_the_project_have_stubs() {
        assert!(has_stub(&find("/Calculator/SquareRoot").unwrap()));
        assert!(!has_stub(&find("/grpc.health.v1.Health/Check").unwrap()));
    }

    #[test]
    fn an_unknown_method_is_reported_with_those_that_exist() {
        let error = find("/Calculator/CubeRoot").unwrap_err();
        assert!(error.starts_with("method: there is no `/Calculator/CubeRoot`; there are /"));
        assert!(error.contains("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"));
    }
}
