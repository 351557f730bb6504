//! The methods of all services that a peer of this project has, by path.
//!
//! Written down here because tonic's generated code does not tell them; a test compares them with the
//! descriptors. Servers look up whether there is a method, clients how it is answered.

use crate::parity::methods::MethodKind::{
    self, Bidirectional, ClientStreaming, ServerStreaming, Unary,
};

/// A path, `/package.Service/Method`, and what the method there is.
pub(crate) type Method = (&'static str, MethodKind);

/// Of `proto/`.
pub(crate) const CALCULATORS: [Method; 5] = [
    (SQUARE_ROOT, Unary),
    ("/StreamingCalculator/RepeatedRoots", ServerStreaming),
    ("/StreamingCalculator/RootMeanSquare", ClientStreaming),
    ("/StreamingCalculator/RootOfEach", Bidirectional),
    ("/StreamingCalculator/Exchange", Unary),
];

pub(crate) const SQUARE_ROOT: &str = "/Calculator/SquareRoot";

/// Of health checking.
pub(crate) const HEALTH: [Method; 3] = [
    ("/grpc.health.v1.Health/Check", Unary),
    (HEALTH_LIST, Unary),
    ("/grpc.health.v1.Health/Watch", ServerStreaming),
];

pub(crate) const HEALTH_LIST: &str = "/grpc.health.v1.Health/List";

/// Of reflection's two versions.
pub(crate) const REFLECTION: [Method; 2] =
    [(REFLECTION_V1, Bidirectional), (REFLECTION_V1ALPHA, Bidirectional)];

pub(crate) const REFLECTION_V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
pub(crate) const REFLECTION_V1ALPHA: &str =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

fn all() -> impl Iterator<Item = Method> {
    CALCULATORS.into_iter().chain(HEALTH).chain(REFLECTION)
}

/// What the method at this path is; `None` when it is none of these.
#[must_use]
pub fn kind(path: &str) -> Option<MethodKind> {
    all().find(|(known, _)| *known == path).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::{HEALTH_LIST, all, kind};
    use crate::parity::methods::MethodKind;
    use crate::rpc::DESCRIPTORS;
    use prost_reflect::DescriptorPool;
    use std::collections::HashMap;

    #[test]
    fn they_are_those_of_the_descriptors() {
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
        // tonic-health does not know it yet.
        assert_eq!(described.insert(HEALTH_LIST.to_owned(), MethodKind::Unary), None);
        let written: HashMap<_, _> = all().map(|(path, kind)| (path.to_owned(), kind)).collect();
        assert_eq!(written, described);
        assert!(written.iter().all(|(path, known)| kind(path) == Some(*known)));
        assert_eq!(kind("/Calculator/CubeRoot"), None);
    }
}
