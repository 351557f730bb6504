//! Generates code from `proto/` in `OUT_DIR`: servers, clients, and the descriptors for reflection. Also
//! writes the versions of the compiler and of the main dependencies to a file.
//!
//! protox parses the files in pure Rust, so that a build needs no `protoc`. Servers and clients are generated
//! separately because each has a codec of its own. `Number` is not generated but implemented in
//! `src/calculator/number.rs`: prost would drop the sign of zero.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("versions.txt"), versions()?)?;
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler
        .include_imports(true)
        .open_files(["calculator.proto", "streaming_calculator.proto"])?;
    std::fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let descriptors = compiler.file_descriptor_set();
    for side in ["server", "client"] {
        std::fs::create_dir_all(out.join(side))?;
    }
    let builder = || tonic_prost_build::configure().extern_path(".Number", "crate::Number");
    builder()
        .build_client(false)
        .codec_path("crate::grpcio::ServerCodec")
        .out_dir(out.join("server"))
        .compile_fds(descriptors.clone())?;
    // The clients use the messages that are generated for the servers.
    ["RepeatedRootsRequest", "ExchangeRequest", "Payload"]
        .into_iter()
        .fold(builder(), |builder, message| {
            builder.extern_path(format!(".{message}"), format!("crate::rpc::{message}"))
        })
        .build_server(false)
        .codec_path("crate::grpcio::ClientCodec")
        .out_dir(out.join("client"))
        .compile_fds(descriptors)?;
    Ok(())
}

/// The versions of the compiler and of the packages that determine responses, each on a line.
fn versions() -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let compiler = Command::new(std::env::var("RUSTC")?).arg("--version").output()?.stdout;
    let compiler = String::from_utf8(compiler)?;
    let compiler = compiler.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let lock = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("Cargo.lock");
    let lock = std::fs::read_to_string(lock)?;
    let version = |name: &&str| {
        let of = format!("[[package]]\nname = \"{name}\"\nversion = \"");
        let (version, _) = lock.split_once(&of)?.1.split_once('"')?;
        Some(format!("{name} {version}"))
    };
    let packages = ["tonic", "prost", "h2", "hyper", "tokio", "rustls"];
    let lines = std::iter::once(compiler).chain(packages.iter().filter_map(version));
    Ok(lines.map(|line| line + "\n").collect())
}
