//! The methods that tables call by name, and the messages that those have.
//!
//! Read from descriptors, so that a table can have messages of a service that no code here knows.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

use crate::harness::protocol::Kind;

/// Services that every agent has a generated stub of.
const WITH_STUB: [&str; 2] = ["Calculator", "StreamingCalculator"];

/// Everything that a server offers; the error says which file cannot be read.
static POOL: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    let mut pool = DescriptorPool::new();
    for files in [
        calculator::rpc::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ] {
        pool.decode_file_descriptor_set(files)
            .map_err(|error| format!("the descriptors cannot be read: {error}"))?;
    }
    Ok(pool)
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
        match (self.0.is_client_streaming(), self.0.is_server_streaming()) {
            (false, false) => Kind::Unary,
            (true, false) => Kind::ClientStreaming,
            (false, true) => Kind::ServerStreaming,
            (true, true) => Kind::Bidirectional,
        }
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
