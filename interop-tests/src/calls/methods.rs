//! The methods that a table can call: those of the project's services and those of a user's.
//!
//! The descriptors of the project's services are built in, so a run needs no checkout.

use std::collections::BTreeMap;

use anyhow::Context;
use grpc_interop_protocol as protocol;
use prost_reflect::{DescriptorPool, MethodDescriptor};

use crate::config::descriptors::built_in;

/// The services for which every agent has a generated stub.
const WITH_STUB: [&str; 2] = ["Calculator", "StreamingCalculator"];

/// Methods by their paths, which have the form `/package.Service/Method`.
#[derive(Debug, Default)]
pub(crate) struct Methods(BTreeMap<String, Method>);

/// A method that a .proto file declares.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    pub(crate) descriptor: MethodDescriptor,
    /// Whether every agent has a generated stub for it.
    pub(crate) has_stub: bool,
}

impl Methods {
    /// The methods of the project's services, and of those in `pool`. If both have the same method, it is the
    /// project's.
    pub(crate) fn with(pool: Option<&DescriptorPool>) -> anyhow::Result<Self> {
        let ours =
            built_in().context("cannot decode the descriptors of the project's .proto files")?;
        let mut methods = Self::default();
        methods.add(&ours, &WITH_STUB);
        pool.inspect(|pool| methods.add(pool, &[]));
        Ok(methods)
    }

    /// Adds the methods of all services in `pool`. Agents have stubs for the services `with_stub`.
    fn add(&mut self, pool: &DescriptorPool, with_stub: &[&str]) {
        for service in pool.services() {
            let has_stub = with_stub.contains(&service.full_name());
            for descriptor in service.methods() {
                let path = format!("/{}/{}", service.full_name(), descriptor.name());
                self.0.entry(path).or_insert(Method { descriptor, has_stub });
            }
        }
    }

    /// The method at `path`. The error lists all methods.
    pub(crate) fn find(&self, path: &str) -> Result<Method, String> {
        self.0.get(path).cloned().ok_or_else(|| {
            let paths: Vec<_> = self.0.keys().map(String::as_str).collect();
            format!(
                "method: no .proto file has the method `{path}`; the known methods are {}; for any other \
                 method, state `kind` and write its messages in hex",
                paths.join(", ")
            )
        })
    }
}

impl Method {
    /// Which sides of it stream.
    pub(crate) fn kind(&self) -> protocol::Kind {
        let Self { descriptor, .. } = self;
        protocol::Kind::new(descriptor.is_client_streaming(), descriptor.is_server_streaming())
    }
}

/// The method of the project's services at `path`.
#[cfg(test)]
pub(crate) fn of_project(path: &str) -> Result<MethodDescriptor, String> {
    let methods = Methods::with(None).map_err(|error| error.to_string())?;
    methods.find(path).map(|method| method.descriptor)
}

#[cfg(test)]
mod tests {
    use protocol::Kind;

    use super::*;

    /// The project's methods and those of another file.
    fn methods() -> Methods {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let path = folder.path().join("shop.proto");
        let text = "syntax = \"proto3\";\nmessage Item {}\n\
                    service Shop { rpc Watch(Item) returns (stream Item); }\n\
                    service Calculator { rpc SquareRoot(Item) returns (Item); rpc Add(Item) returns (Item); }\n";
        std::fs::write(&path, text).expect("cannot write a file");
        let mut compiler = protox::Compiler::new([folder.path()]).expect("there is no folder");
        let pool = compiler.open_file(path).expect("it does not compile").descriptor_pool();
        Methods::with(Some(&pool)).expect("cannot decode the built-in descriptors")
    }

    fn found(path: &str) -> Method {
        methods().find(path).expect("there is no such method")
    }

    #[test]
    fn a_method_has_the_kind_of_its_declaration() {
        let kind = |path| found(path).kind();
        assert_eq!(kind("/Calculator/SquareRoot"), Kind::Unary);
        assert_eq!(kind("/StreamingCalculator/RepeatedRoots"), Kind::ServerStreaming);
        assert_eq!(kind("/StreamingCalculator/RootMeanSquare"), Kind::ClientStreaming);
        assert_eq!(kind("/StreamingCalculator/RootOfEach"), Kind::Bidirectional);
        assert_eq!(kind("/Shop/Watch"), Kind::ServerStreaming);
    }

    #[test]
    fn only_the_services_of_the_project_have_stubs() {
        assert!(found("/Calculator/SquareRoot").has_stub);
        for path in ["/grpc.health.v1.Health/Check", "/Shop/Watch", "/Calculator/Add"] {
            assert!(!found(path).has_stub, "{path}");
        }
    }

    #[test]
    fn the_methods_of_the_project_keep_their_types() {
        let method = found("/Calculator/SquareRoot").descriptor;
        assert_eq!(method.input().full_name(), "Number");
    }

    #[test]
    fn an_unknown_method_is_reported_with_those_that_exist() {
        let error = methods().find("/Calculator/CubeRoot").expect_err("it does not exist");
        assert!(error.starts_with("method: no .proto file has the method `/Calculator/CubeRoot`"));
        assert!(error.contains("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"));
        assert!(error.contains("/Shop/Watch"));
    }
}
