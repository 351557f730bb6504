//! The methods of all services, with their paths and kinds.
//!
//! The code that tonic generates does not expose them, so they are listed here; a test compares the
//! list with the descriptors. Servers look up whether a method exists, clients how many responses
//! it has.

use crate::grpcio::wire::method::MethodKind::{
    self, Bidirectional, ClientStreaming, ServerStreaming, Unary,
};

/// The path of a method, `/package.Service/Method`, and its kind.
pub(crate) type Method = (&'static str, MethodKind);

/// The methods in `proto/`.
pub(crate) const CALCULATORS: [Method; 5] = [
    (SQUARE_ROOT, Unary),
    ("/StreamingCalculator/RepeatedRoots", ServerStreaming),
    ("/StreamingCalculator/RootMeanSquare", ClientStreaming),
    ("/StreamingCalculator/RootOfEach", Bidirectional),
    ("/StreamingCalculator/Exchange", Unary),
];

pub(crate) const SQUARE_ROOT: &str = "/Calculator/SquareRoot";

/// The methods of health checking.
pub(crate) const HEALTH: [Method; 3] = [
    ("/grpc.health.v1.Health/Check", Unary),
    (HEALTH_LIST, Unary),
    ("/grpc.health.v1.Health/Watch", ServerStreaming),
];

pub(crate) const HEALTH_LIST: &str = "/grpc.health.v1.Health/List";

/// The methods of both versions of reflection.
pub(crate) const REFLECTION: [Method; 2] =
    [(REFLECTION_V1, Bidirectional), (REFLECTION_V1ALPHA, Bidirectional)];

pub(crate) const REFLECTION_V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
pub(crate) const REFLECTION_V1ALPHA: &str =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

fn all() -> impl Iterator<Item = Method> {
    CALCULATORS.into_iter().chain(HEALTH).chain(REFLECTION)
}

/// The kind of the method at `path`, or `None` if it is not one of these.
#[must_use]
pub fn kind(path: &str) -> Option<MethodKind> {
    all().find(|(known, _)| *known == path).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::{HEALTH_LIST, all, kind};
    use crate::grpcio::wire::method::MethodKind;
    use crate::rpc::DESCRIPTORS;
    use prost_reflect::DescriptorPool;
    use std::collections::HashMap;

    #[test]
    fn the_methods_match_the_descriptors() {
        let mut pool = DescriptorPool::new();
        for set in [
            DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            pool.decode_file_descriptor_set(set).expect("descriptors");
        }
        let mut described: HashMap<_, _> = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| {
                let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
                let kind = match (method.is_client_streaming(), method.is_server_streaming()) {
                    (false, false) => MethodKind::Unary,
                    (true, false) => MethodKind::ClientStreaming,
                    (false, true) => MethodKind::ServerStreaming,
                    (true, true) => MethodKind::Bidirectional,
                };
                (path, kind)
            })
            .collect();
        // tonic-health does not have this method yet.
        assert_eq!(described.insert(HEALTH_LIST.to_owned(), MethodKind::Unary), None);
        let listed: HashMap<_, _> = all().map(|(path, kind)| (path.to_owned(), kind)).collect();
        assert_eq!(listed, described);
        assert!(listed.iter().all(|(path, known)| kind(path) == Some(*known)));
        assert_eq!(kind("/Calculator/CubeRoot"), None);
    }
}
