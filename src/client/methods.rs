//! How the methods are answered that a peer of this project has.
//!
//! The path is all that a layer under the stub knows of a method.

use super::answer::AnswerKind;

/// The methods with any number of answers: of `proto/`, of health checking and of reflection.
const STREAMING: [&str; 5] = [
    "/StreamingCalculator/RepeatedRoots",
    "/StreamingCalculator/RootOfEach",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// How the method at this path is answered; one that is not known has one answer.
#[must_use]
pub fn answer_kind(uri: &http::Uri) -> AnswerKind {
    if STREAMING.contains(&uri.path()) { AnswerKind::Streaming } else { AnswerKind::Unary }
}

#[cfg(test)]
mod tests {
    use super::answer_kind;
    use crate::client::answer::AnswerKind;
    use prost_reflect::DescriptorPool;

    #[test]
    fn every_method_is_answered_as_its_descriptor_says() {
        let mut pool = DescriptorPool::decode(crate::rpc::DESCRIPTORS).expect("our own");
        for others in [
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            pool.decode_file_descriptor_set(others).expect("a library's own");
        }
        let mut methods = 0;
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let is_streaming = answer_kind(&path.parse().expect("a path")) == AnswerKind::Streaming;
            assert_eq!(is_streaming, method.is_server_streaming(), "{path}");
            methods += 1;
        }
        assert!(methods >= 9, "{methods} methods");
    }
}
