//! Compiles `proto/` to the messages and services in `OUT_DIR`.
//!
//! protox parses the files in pure Rust, so that a build needs no `protoc`. `Number` is written by
//! hand in `src/number.rs`: prost would drop the sign of zero.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["calculator.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .extern_path(".Number", "crate::Number")
        .codec_path("crate::parity::codec::GrpcioCodec")
        .compile_fds(descriptors)?;
    Ok(())
}
