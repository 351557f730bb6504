//! A service for unit tests and fuzz targets.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[cfg(test)]
use crate::compare::difference::ResponseTypes;
use prost_reflect::{DescriptorPool, MethodDescriptor};

const SHOP: &str = r#"
syntax = "proto3";
package shop;

enum Colour {
  COLOUR_UNSPECIFIED = 0;
  RED = 1;
  BLUE = 2;
}

message Item {
  string name = 1;
  double price = 2;
  Colour colour = 3;
  repeated Item parts = 4;
  map<string, int32> stock = 5;
}

service Shop {
  rpc Get(Item) returns (Item);
  rpc Watch(Item) returns (stream Item);
}
"#;

/// The descriptors of the service `shop.Shop`.
pub(crate) fn pool() -> DescriptorPool {
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let path = folder.path().join("shop.proto");
    std::fs::write(&path, SHOP).expect("cannot write a file");
    let mut compiler = protox::Compiler::new([folder.path()]).expect("there is no folder");
    compiler.include_imports(true);
    compiler.open_file(path).expect("it does not compile").descriptor_pool()
}

/// The types of the responses of `shop.Shop.Get`. Its status details are not decoded.
#[cfg(test)]
pub(crate) fn response_types() -> ResponseTypes {
    let message = method("Get").output();
    ResponseTypes { status: message.clone(), message }
}

/// The method `shop.Shop.NAME`.
pub(crate) fn method(name: &str) -> MethodDescriptor {
    let service = pool().get_service_by_name("shop.Shop").expect("the service exists");
    let method = service.methods().find(|method| method.name() == name);
    method.expect("the method exists")
}
