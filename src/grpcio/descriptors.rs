//! The services and methods of a program, as its `.proto` files define them.
//!
//! grpcio looks up a method before it reads a message, so a server needs all paths and kinds before
//! the first call. The code that tonic generates does not list them; the descriptors do.

use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorError, DescriptorPool, MethodDescriptor, ServiceDescriptor};

use super::wire::method::{MethodKind, Methods};

/// Why descriptors do not describe a program.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorsError {
    /// The bytes are not a valid descriptor set. Two services with the same name are one reason.
    #[error("the descriptor set is not valid: {0}")]
    Invalid(#[source] DescriptorError),
    /// A file has another syntax than proto2 and proto3, such as that of editions.
    #[error("the file {file} has the syntax {syntax:?}: only proto2 and proto3 are supported")]
    UnknownSyntax {
        /// The name of the file.
        file: String,
        /// Its syntax.
        syntax: String,
    },
    /// No file defines the service.
    #[error("the descriptor set does not define the service {name}; it defines {}", list(defined))]
    UnknownService {
        /// The full name of the service.
        name: String,
        /// The services that it defines.
        defined: Vec<String>,
    },
    /// A service is named twice.
    #[error("the service {0} is named twice")]
    Repeated(String),
    /// No service is named.
    #[error("no service is named; the descriptor set defines {}", list(.0))]
    NoService(Vec<String>),
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no service".to_owned() } else { names.join(", ") }
}

impl Methods {
    /// The methods of these services, by their full names, in an encoded `FileDescriptorSet`.
    ///
    /// `tonic_prost_build` writes such a set with `file_descriptor_set_path`; see
    /// [`serve`](super::serve()).
    pub fn from_descriptors(set: &[u8], services: &[&str]) -> Result<Self, DescriptorsError> {
        Ok(methods(&find(&decode(set)?, services)?))
    }
}

/// Decodes an encoded `FileDescriptorSet`, which includes all imported files.
pub(crate) fn decode(set: &[u8]) -> Result<DescriptorPool, DescriptorsError> {
    check_syntax(set)?;
    DescriptorPool::decode(set).map_err(DescriptorsError::Invalid)
}

/// prost-reflect 0.16.5 panics if it does not know the syntax of a file.
fn check_syntax(set: &[u8]) -> Result<(), DescriptorsError> {
    // Other errors are those of the pool.
    let files = FileDescriptorSet::decode(set).map(|set| set.file).unwrap_or_default();
    let unknown = files.into_iter().find_map(|file| {
        let syntax = file.syntax.filter(|syntax| !["proto2", "proto3"].contains(&&**syntax))?;
        Some((file.name.unwrap_or_default(), syntax))
    });
    match unknown {
        None => Ok(()),
        Some((file, syntax)) => Err(DescriptorsError::UnknownSyntax { file, syntax }),
    }
}

/// The services with these full names. At least one is required.
pub(crate) fn find(
    pool: &DescriptorPool,
    names: &[&str],
) -> Result<Vec<ServiceDescriptor>, DescriptorsError> {
    let defined = || pool.services().map(|service| service.full_name().to_owned()).collect();
    if names.is_empty() {
        return Err(DescriptorsError::NoService(defined()));
    }
    let mut found: Vec<ServiceDescriptor> = Vec::with_capacity(names.len());
    for name in names {
        if found.iter().any(|service| service.full_name() == *name) {
            return Err(DescriptorsError::Repeated((*name).to_owned()));
        }
        let service = pool.get_service_by_name(name);
        found.push(service.ok_or_else(|| DescriptorsError::UnknownService {
            name: (*name).to_owned(),
            defined: defined(),
        })?);
    }
    Ok(found)
}

/// The methods of `services`.
pub(crate) fn methods(services: &[ServiceDescriptor]) -> Methods {
    Methods::new(
        services
            .iter()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| (path(&method), kind(&method))),
    )
}

/// The path of a method, `/package.Service/Method`.
fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn kind(method: &MethodDescriptor) -> MethodKind {
    match (method.is_client_streaming(), method.is_server_streaming()) {
        (false, false) => MethodKind::Unary,
        (true, false) => MethodKind::ClientStreaming,
        (false, true) => MethodKind::ServerStreaming,
        (true, true) => MethodKind::Bidirectional,
    }
}

#[cfg(test)]
mod tests {
    use super::DescriptorsError;
    use crate::grpcio::wire::method::{MethodKind, Methods};
    use crate::rpc::DESCRIPTORS;
    use http::Uri;
    use prost_reflect::prost::Message;
    use prost_reflect::prost_types::{
        FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto,
    };

    fn error(set: &[u8], services: &[&str]) -> String {
        Methods::from_descriptors(set, services).expect_err("an error").to_string()
    }

    #[test]
    fn methods_have_the_kinds_of_the_descriptors() {
        let methods =
            Methods::from_descriptors(DESCRIPTORS, &["StreamingCalculator"]).expect("methods");
        let kind = |path| methods.kind(&Uri::from_static(path));
        assert_eq!(kind("/Calculator/SquareRoot"), None);
        assert_eq!(kind("/StreamingCalculator/Exchange"), Some(MethodKind::Unary));
        assert_eq!(kind("/StreamingCalculator/RootMeanSquare"), Some(MethodKind::ClientStreaming));
        assert_eq!(kind("/StreamingCalculator/RepeatedRoots"), Some(MethodKind::ServerStreaming));
        assert_eq!(kind("/StreamingCalculator/RootOfEach"), Some(MethodKind::Bidirectional));
    }

    #[test]
    fn a_name_has_to_be_a_service_of_the_set() {
        assert_eq!(
            error(DESCRIPTORS, &["Calculator", "shop.Shop"]),
            "the descriptor set does not define the service shop.Shop; it defines Calculator, \
             StreamingCalculator"
        );
        assert_eq!(
            error(DESCRIPTORS, &["Calculator", "Calculator"]),
            "the service Calculator is named twice"
        );
        let none = error(&[], &[]);
        assert_eq!(none, "no service is named; the descriptor set defines no service");
    }

    #[test]
    fn a_set_has_to_be_valid() {
        let invalid = Methods::from_descriptors(b"\xff", &["Calculator"]).expect_err("an error");
        assert!(matches!(invalid, DescriptorsError::Invalid(_)), "{invalid}");
        let file = |name: &str| FileDescriptorProto {
            name: Some(name.to_owned()),
            service: vec![ServiceDescriptorProto {
                name: Some("Shop".to_owned()),
                ..ServiceDescriptorProto::default()
            }],
            ..FileDescriptorProto::default()
        };
        let editions = FileDescriptorProto { syntax: Some("editions".into()), ..file("a.proto") };
        let editions = FileDescriptorSet { file: vec![editions] };
        assert_eq!(
            error(&editions.encode_to_vec(), &["Shop"]),
            "the file a.proto has the syntax \"editions\": only proto2 and proto3 are supported"
        );
        let twice = FileDescriptorSet { file: vec![file("a.proto"), file("b.proto")] };
        assert_eq!(
            error(&twice.encode_to_vec(), &["Shop"]),
            "the descriptor set is not valid: name 'Shop' is already defined in file 'a.proto'"
        );
    }
}
