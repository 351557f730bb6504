//! Embeds the project's tables and the descriptors of its services in the tool, for use without a checkout.
//!
//! The list of files is generated, so it cannot miss a new file.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The files and folders that a run reads by default.
const EMBEDDED: [&str; 5] = ["peers.toml", "deviations.toml", "scenarios", "goldens", "proxies"];

/// The folders of .proto files, the files of all services that a table can call, and those of status
/// details.
const PROTO_FOLDERS: [&str; 2] = ["../proto", "proto"];
const PROTO_FILES: [&str; 7] = [
    "calculator.proto",
    "streaming_calculator.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
    "grpc/reflection/v1alpha/reflection.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut entries = String::new();
    for name in EMBEDDED {
        println!("cargo::rerun-if-changed={name}");
        add(Path::new(name), &mut entries)?;
    }
    let output = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(output.join("embedded.rs"), format!("&[\n{entries}]"))?;
    for folder in PROTO_FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
    }
    let mut compiler = protox::Compiler::new(PROTO_FOLDERS)?;
    compiler.include_imports(true).open_files(PROTO_FILES)?;
    fs::write(output.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    Ok(())
}

/// Adds an entry for the file at `path`, or for each file below it.
fn add(path: &Path, entries: &mut String) -> io::Result<()> {
    if !path.is_dir() {
        let (name, below) = (path.to_string_lossy(), format!("/{}", path.display()));
        // The path begins with a variable, so that a checkout can be moved together with its build folder.
        let file = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {below:?})");
        return writeln!(entries, "    ({name:?}, include_str!({file})),")
            .map_err(io::Error::other);
    }
    let mut paths: Vec<_> = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    paths.iter().try_for_each(|path| add(path, entries))
}
