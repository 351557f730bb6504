//! The descriptors of the standard services, for reflection.

use prost::Message;
use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MessageOptions,
    MethodDescriptorProto,
};
use tonic_reflection::pb::{v1, v1alpha};

/// The files that define health checking and both versions of reflection.
pub(super) fn standard() -> Vec<FileDescriptorProto> {
    let sets = [
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        v1::FILE_DESCRIPTOR_SET,
        v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let files = sets.into_iter().filter_map(|set| FileDescriptorSet::decode(set).ok());
    let mut files: Vec<_> = files.flat_map(|set| set.file).collect();
    for file in &mut files {
        add_list(file);
        rename(file);
    }
    files
}

/// Gives `file` the name that it has in grpcio's packages, and in gRPC's own for v1 of reflection,
/// which grpcio-reflection 1.85.1 does not have.
fn rename(file: &mut FileDescriptorProto) {
    let name = match file.package() {
        "grpc.health.v1" => "grpc_health/v1/health.proto",
        "grpc.reflection.v1alpha" => "grpc_reflection/v1alpha/reflection.proto",
        "grpc.reflection.v1" => "grpc/reflection/v1/reflection.proto",
        _ => return,
    };
    file.name = Some(name.to_owned());
}

/// Adds the method List and its messages to the file of health checking. tonic-health 0.14.9 does
/// not have them.
fn add_list(file: &mut FileDescriptorProto) {
    const LIST: &str = "List";
    let Some(health) = file.service.iter_mut().find(|service| service.name() == "Health") else {
        return;
    };
    if health.method.iter().any(|method| method.name() == LIST) {
        return;
    }
    let package = file.package.as_deref().unwrap_or_default();
    let full = |name: &str| Some(format!(".{package}.{name}"));
    let position = health.method.len().min(1);
    health.method.insert(
        position,
        MethodDescriptorProto {
            name: Some(LIST.to_owned()),
            input_type: full("HealthListRequest"),
            output_type: full("HealthListResponse"),
            ..MethodDescriptorProto::default()
        },
    );
    let field = |name: &str, number, label: Label, kind: Type, type_name| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(kind.into()),
        type_name,
        ..FieldDescriptorProto::default()
    };
    let entry = DescriptorProto {
        name: Some("StatusesEntry".to_owned()),
        field: vec![
            field("key", 1, Label::Optional, Type::String, None),
            field("value", 2, Label::Optional, Type::Message, full("HealthCheckResponse")),
        ],
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    };
    let statuses = full("HealthListResponse.StatusesEntry");
    file.message_type.extend([
        DescriptorProto {
            name: Some("HealthListRequest".to_owned()),
            ..DescriptorProto::default()
        },
        DescriptorProto {
            name: Some("HealthListResponse".to_owned()),
            field: vec![field("statuses", 1, Label::Repeated, Type::Message, statuses)],
            nested_type: vec![entry],
            ..DescriptorProto::default()
        },
    ]);
}

#[cfg(test)]
mod tests {
    use super::standard;
    use crate::grpcio::descriptors;
    use crate::grpcio::services::{HEALTH, REFLECTION};
    use crate::grpcio::wire::method::Methods;
    use prost_reflect::DescriptorPool;

    #[test]
    fn the_files_define_the_methods_that_are_served() {
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_protos(standard()).expect("valid files");
        let described = descriptors::methods(&pool.services().collect::<Vec<_>>());
        assert_eq!(described, Methods::new(HEALTH.into_iter().chain(REFLECTION)));
    }
}
