#[path="sample.u.pb.rs"]
#[allow(nonstandard_style, unused)]
pub mod sample_proto;
#[allow(nonstandard_style, unused)]
#[doc(inline)]
pub use sample_proto::*;
#[path="required.u.pb.rs"]
#[allow(nonstandard_style, unused)]
pub mod required_proto;
#[allow(nonstandard_style, unused)]
#[doc(inline)]
pub use required_proto::*;
#[allow(nonstandard_style, unused)]
pub mod __unstable {
pub static SAMPLE_DESCRIPTOR_INFO: ::protobuf::__internal::runtime::__unstable::DescriptorInfo = ::protobuf::__internal::runtime::__unstable::DescriptorInfo {
  descriptor: b"\n\x0csample.proto\x12\x06sample\x1a\x0erequired.proto\"\xa0\x01\n\x06Sample\x12\x0e\n\x06number\x18\x01 \x01(\x01\x12\x0c\n\x04text\x18\x02 \x01(\t\x12*\n\x06\x63ounts\x18\x03 \x03(\x0b\x32\x1a.sample.Sample.CountsEntry\x12\x1d\n\x05\x63hild\x18\x04 \x01(\x0b\x32\x0e.sample.Sample\x1a-\n\x0b\x43ountsEntry\x12\x0b\n\x03key\x18\x01 \x01(\t\x12\r\n\x05value\x18\x02 \x01(\x05:\x02\x38\x01\x32\x8b\x01\n\x04\x45\x63ho\x12\'\n\x05Unary\x12\x0e.sample.Sample\x1a\x0e.sample.Sample\x12,\n\x06Stream\x12\x0e.sample.Sample\x1a\x0e.sample.Sample(\x01\x30\x01\x12,\n\x06Strict\x12\x10.sample.Required\x1a\x10.sample.Requiredb\x06proto3",
  deps: &[
    &super::__unstable::REQUIRED_DESCRIPTOR_INFO,
  ],
};
pub static REQUIRED_DESCRIPTOR_INFO: ::protobuf::__internal::runtime::__unstable::DescriptorInfo = ::protobuf::__internal::runtime::__unstable::DescriptorInfo {
  descriptor: b"\n\x0erequired.proto\x12\x06sample\"7\n\x08Required\x12\n\n\x02id\x18\x01 \x02(\x05\x12\x1f\n\x05\x63hild\x18\x02 \x01(\x0b\x32\x10.sample.Required",
  deps: &[
  ],
};
}
