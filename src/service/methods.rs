//! The methods of all services, by path.
//!
//! Written down here because tonic's generated code does not tell them; a test compares them with the
//! descriptors.

use super::dispatch::Offer;
use crate::parity::methods::MethodKind::{
    self, Bidirectional, ClientStreaming, ServerStreaming, Unary,
};
use crate::parity::methods::Methods;

const ALWAYS: [(&str, MethodKind); 5] = [
    ("/Calculator/SquareRoot", Unary),
    ("/StreamingCalculator/RepeatedRoots", ServerStreaming),
    ("/StreamingCalculator/RootMeanSquare", ClientStreaming),
    ("/StreamingCalculator/RootOfEach", Bidirectional),
    ("/StreamingCalculator/Exchange", Unary),
];

const HEALTH: [(&str, MethodKind); 2] =
    [("/grpc.health.v1.Health/Check", Unary), ("/grpc.health.v1.Health/Watch", ServerStreaming)];

const REFLECTION: [(&str, MethodKind); 2] = [
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Bidirectional),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Bidirectional),
];

/// The methods of a server that offers this.
#[must_use]
pub fn methods(offer: Offer) -> Methods {
    let health = HEALTH.into_iter().filter(|_| offer.health);
    let reflection = REFLECTION.into_iter().filter(|_| offer.reflection);
    Methods::new(ALWAYS.into_iter().chain(health).chain(reflection))
}

#[cfg(test)]
mod tests {
    use super::{ALWAYS, HEALTH, REFLECTION};
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
        let described: HashMap<_, _> = pool
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
        let all = ALWAYS.into_iter().chain(HEALTH).chain(REFLECTION);
        let written: HashMap<_, _> = all.map(|(path, kind)| (path.to_owned(), kind)).collect();
        assert_eq!(written, described);
    }
}
