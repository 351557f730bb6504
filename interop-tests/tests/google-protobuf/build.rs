//! Generates the server and the client of `proto/sample.proto`. protox parses the files, so that a build needs no
//! `protoc`; the messages are in `src/messages`.

use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).open_file("sample.proto")?;
    std::fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let descriptors = compiler.file_descriptor_set();
    for (folder, server, codecs) in [
        ("server", true, "calculator::grpcio::GoogleServerCodec"),
        ("client", false, "calculator::grpcio::GoogleClientCodec"),
        ("checked_server", true, "calculator::grpcio::wire::google_protobuf::CheckedServerCodec"),
        ("checked_client", false, "calculator::grpcio::wire::google_protobuf::CheckedClientCodec"),
    ] {
        let out = out.join(folder);
        std::fs::create_dir_all(&out)?;
        tonic_prost_build::configure()
            .extern_path(".sample", "crate::messages")
            .codec_path(codecs)
            .build_server(server)
            .build_client(!server)
            .out_dir(out)
            .compile_fds(descriptors.clone())?;
    }
    Ok(())
}
