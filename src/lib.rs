//! The calculator of `proto/calculator.proto` as a gRPC server and client, drop-in replacements for
//! the Python programs in `python/`.
//!
//! The modules, each of which imports only those below it:
//!
//! - [`server`]: runs services on listening sockets until a shutdown future resolves
//! - [`test_directives`]: behaviour that a test requests through metadata
//! - [`service`]: the services: calculator, streaming calculator, health checking, reflection
//! - [`rpc`]: what tonic generates from `proto/`
//! - [`grpcio`]: grpcio behaviour that tonic lacks, reusable by any tonic program; its
//!   [`server`](grpcio::server) and [`client`](grpcio::client) layers do not import each other, and
//!   both import what is [shared](grpcio::wire)
//! - `calculator`: the calculator without gRPC: [`arithmetic`], [`Number`] and [`python_float`]
//!
//! The layers of [`grpcio::server`] wrap the services, so services do not import them. The programs
//! in `src/bin/` contain the command lines and combine the modules. A test checks these rules.

mod calculator;
pub mod grpcio;
pub mod server;
pub mod service;
pub mod test_directives;

/// What tonic generates from `proto/`.
pub mod rpc {
    #![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]
    include!(concat!(env!("OUT_DIR"), "/server/_.rs"));
    include!(concat!(env!("OUT_DIR"), "/client/_.rs"));

    /// All files of `proto/` as an encoded `FileDescriptorSet`, for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}

pub use calculator::{Number, arithmetic, python_float};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The modules from the bottom to the top.
    const LAYERS: [&str; 6] =
        ["calculator", "grpcio", "rpc", "service", "test_directives", "server"];

    /// Imports that are forbidden although the layers would allow them: module, imported path.
    const FORBIDDEN: [(&str, &str); 7] = [
        ("grpcio/client", "grpcio::server"),
        ("grpcio/server", "grpcio::client"),
        ("grpcio/wire", "grpcio::client"),
        ("grpcio/wire", "grpcio::server"),
        ("service", "grpcio::client"),
        ("service", "grpcio::server"),
        ("test_directives", "grpcio::server"),
    ];

    fn rust_files(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
        let files = entries
            .map(|entry| entry.path())
            .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
        files.collect()
    }

    /// The code of a file without comments.
    fn code(file: &Path) -> String {
        let text = fs::read_to_string(file).expect("a text file");
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect()
    }

    #[test]
    fn modules_import_only_lower_modules() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for (level, module) in LAYERS.iter().enumerate() {
            if *module == "rpc" {
                continue;
            }
            for file in rust_files(&source.join(module)) {
                let code = code(&file);
                for upper in &LAYERS[level + 1..] {
                    let import = format!("crate::{upper}::");
                    assert!(!code.contains(&import), "{}: {import}", file.display());
                }
            }
        }
        for (module, import) in FORBIDDEN {
            for file in rust_files(&source.join(module)) {
                let import = format!("crate::{import}");
                assert!(!code(&file).contains(&import), "{}: {import}", file.display());
            }
        }
    }
}
