//! Message types for the tests of this module.

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

/// Most features of proto3.
const PROTO3: &str = r#"
syntax = "proto3";
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";

enum Color { RED = 0; GREEN = 1; BLUE = 5; DARK = -2; }

message Scalars {
  double double = 1; float float = 2; int32 int32 = 3; int64 int64 = 4; uint32 uint32 = 5; uint64 uint64 = 6;
  sint32 sint32 = 7; sint64 sint64 = 8; fixed32 fixed32 = 9; fixed64 fixed64 = 10; sfixed32 sfixed32 = 11;
  sfixed64 sfixed64 = 12; bool bool = 13; string string = 14; bytes bytes = 15; Color color = 16;
}

message Modern {
  optional int32 maybe = 1;
  repeated int32 packed = 2;
  repeated float unpacked = 3 [packed = false];
  repeated string names = 4;
  repeated Item items = 5;
  map<string, Item> by_name = 6;
  map<bool, sint64> by_flag = 7;
  oneof choice { int32 number = 8; string text = 9; Item item = 10; google.protobuf.Timestamp time = 11; }
  google.protobuf.Any any = 12;
  google.protobuf.Duration duration = 13;
  google.protobuf.Empty empty = 14;
  google.protobuf.FieldMask mask = 15;
  google.protobuf.Struct struct = 16;
  google.protobuf.Value value = 17;
  google.protobuf.ListValue list = 18;
  google.protobuf.DoubleValue double = 19;
  google.protobuf.StringValue random = 20;
  repeated google.protobuf.Timestamp times = 21;
  map<int32, google.protobuf.Duration> durations = 22;
  repeated Color colors = 23;
}

message Item { int32 price = 1; string name = 2; Detail detail = 3; }
message Detail { bytes data = 1; }

message Tree { int32 id = 1; Tree left = 2; Tree right = 3; map<string, Tree> named = 4; Indirect other = 5; }
message Indirect { repeated Tree trees = 1; }

message Nothing {}
"#;

/// Most features of proto2.
const PROTO2: &str = r#"
syntax = "proto2";

enum Closed { TWO = 2; THREE = 3; }

message Old {
  required int32 id = 1;
  optional int32 count = 2 [default = 7];
  optional string name = 3 [default = "nobody"];
  optional Closed closed = 4 [default = THREE];
  repeated int32 unpacked = 5;
  repeated int32 packed = 6 [packed = true];
  optional group Single = 7 { required bool flag = 8; }
  repeated group Many = 9 { optional double number = 10 [default = -inf]; }
  required Child child = 11;
  repeated Child children = 12;
  map<string, Child> by_name = 13;
  oneof choice { int32 one = 14; Child two = 15; }
  extensions 100 to 200;
}

message Child { required string name = 1; optional Child child = 2; }

extend Old { optional int32 extra = 100; }
"#;

/// The message types in `text`.
pub(super) fn pool(text: &str) -> DescriptorPool {
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let path = folder.path().join("test.proto");
    std::fs::write(&path, text).expect("cannot write a file");
    let mut compiler = protox::Compiler::new([folder.path()]).expect("there is no folder");
    compiler.open_file(path).expect("it does not compile").descriptor_pool()
}

/// A message `Request` with these fields.
pub(super) fn request(fields: &str) -> MessageDescriptor {
    let imports =
        ["any", "descriptor", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"];
    let imports = imports.map(|name| format!("import \"google/protobuf/{name}.proto\";"));
    let text = format!("syntax = \"proto3\"; {} message Request {{ {fields} }}", imports.concat());
    pool(&text).get_message_by_name("Request").expect("it is declared")
}

/// The message `Request` of a proto2 file with these declarations.
pub(super) fn proto2(declarations: &str) -> MessageDescriptor {
    let pool = pool(&format!("syntax = \"proto2\"; {declarations}"));
    pool.get_message_by_name("Request").expect("it is declared")
}

/// Messages with most features of protobuf.
pub(super) fn all() -> Vec<MessageDescriptor> {
    let (proto3, proto2) = (pool(PROTO3), pool(PROTO2));
    let proto3 =
        ["Scalars", "Modern", "Tree", "Nothing"].map(|name| proto3.get_message_by_name(name));
    let all = proto3.into_iter().chain([proto2.get_message_by_name("Old")]);
    all.map(|message| message.expect("it is declared")).collect()
}

/// A method whose requests have the type `of`.
pub(super) fn method(of: &MessageDescriptor, is_client_streaming: bool) -> MethodDescriptor {
    let mut pool = of.parent_pool().clone();
    let mut file = prost_reflect::prost_types::FileDescriptorProto {
        name: Some("service.proto".to_owned()),
        dependency: vec![of.parent_file().name().to_owned()],
        ..Default::default()
    };
    let name = format!(".{}", of.full_name());
    file.service.push(prost_reflect::prost_types::ServiceDescriptorProto {
        name: Some("Service".to_owned()),
        method: vec![prost_reflect::prost_types::MethodDescriptorProto {
            name: Some("Method".to_owned()),
            input_type: Some(name.clone()),
            output_type: Some(name),
            client_streaming: Some(is_client_streaming),
            ..Default::default()
        }],
        ..Default::default()
    });
    pool.add_file_descriptor_proto(file).expect("it is valid");
    let service = pool.get_service_by_name("Service").expect("it is declared");
    service.methods().next().expect("it is declared")
}
