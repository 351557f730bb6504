//! The calculator of `proto/calculator.proto` as a gRPC server and client, drop-in replacements for
//! the Python programs in `python/`, and layers that give any tonic program the behaviour of grpcio.
//!
//! # Modules
//!
//! Each of them imports only those below it:
//!
//! - [`server`]: the calculator's server
//! - [`test_directives`]: behaviour that a test requests through metadata
//! - [`service`]: the services of `proto/`
//! - [`rpc`]: what tonic generates from `proto/`
//! - [`grpcio`]: grpcio behaviour that tonic lacks, reusable by any tonic program; its
//!   [`server`](grpcio::server) and [`client`](grpcio::client) layers do not import each other, and
//!   both import what is [shared](grpcio::wire)
//! - `calculator`: the calculator without gRPC: [`arithmetic`], [`Number`] and [`python_float`]
//!
//! `fuzzing` has fuzz targets for the parsers in all of them, for tests and `cargo fuzz` only.
//!
//! The layers of [`grpcio::server`] wrap the services, so services do not import them. The programs
//! in `src/bin/` contain the command lines and combine the modules. A test checks these rules.
//!
//! # grpcio's behaviour in another tonic program
//!
//! ## `build.rs`
//!
//! The program needs its descriptors, because grpcio refuses an unknown method before it reads a
//! message. It also needs the codec of its side, which has grpcio's status messages for malformed
//! protobuf. Both are a line in `build.rs`:
//!
//! ```ignore
//! let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
//! tonic_prost_build::configure()
//!     .file_descriptor_set_path(out.join("descriptors.bin"))
//!     .codec_path("calculator::grpcio::ServerCodec") // in a client: ClientCodec
//!     .compile_protos(&["proto/calculator.proto"], &["proto"])?;
//! ```
//!
//! The feature `google-protobuf` has codecs for the messages of Google's `protobuf` crate, whose
//! bytes are those of Python: `interop-tests/docs/protobuf-libraries.md` explains when they matter.
//!
//! ## A server
//!
//! [`grpcio::serve()`] serves the service that tonic has generated. In this example it is the one of
//! `proto/calculator.proto`:
//!
//! ```
//! use calculator::Number;
//! use calculator::grpcio::serve::listen;
//! use calculator::grpcio::{self, Options};
//! use calculator::rpc::calculator_server::{Calculator, CalculatorServer, SERVICE_NAME};
//! use tonic::{Request, Response, Status};
//!
//! const DESCRIPTORS: &[u8] = calculator::rpc::DESCRIPTORS; // include_bytes!(concat!(env!("OUT_DIR"), …))
//!
//! struct Roots;
//!
//! #[tonic::async_trait]
//! impl Calculator for Roots {
//!     async fn square_root(&self, request: Request<Number>) -> Result<Response<Number>, Status> {
//!         Ok(Response::new(Number { value: request.into_inner().value.sqrt() }))
//!     }
//! }
//!
//! async fn run() -> Result<(), Box<dyn std::error::Error>> {
//!     let listeners = listen::bind(&"[::]:50051".parse()?, listen::Options::default())?;
//!     let mut options = Options::new(DESCRIPTORS, &[SERVICE_NAME])?;
//!     options.health = true;
//!     options.reflection = true;
//!     let shutdown = async {
//!         let _ = tokio::signal::ctrl_c().await;
//!     };
//!     grpcio::serve(listeners, CalculatorServer::new(Roots), options, shutdown).await?;
//!     Ok(())
//! }
//! ```
//!
//! Several services are served as
//! [`Routes`](https://docs.rs/tonic/latest/tonic/service/struct.Routes.html), which the feature `router` enables:
//! `Routes::new(one).add_service(another)`. [`Options`](grpcio::Options) also has TLS, threads and
//! layers around all services. A program with its own accept loop uses
//! [`grpcio::server::connection()`] for each connection instead.
//!
//! ## A client
//!
//! [`grpcio::client::channel()`] is a channel with all rules of a client, for any generated client:
//!
//! ```
//! use calculator::Number;
//! use calculator::grpcio::client::{self, Options};
//! use calculator::grpcio::Methods;
//! use calculator::rpc::calculator_client::CalculatorClient;
//! use std::time::Duration;
//! # use calculator::rpc::DESCRIPTORS;
//!
//! async fn root(address: &str, value: f32) -> Result<f32, Box<dyn std::error::Error>> {
//!     let methods = Methods::from_descriptors(DESCRIPTORS, &["Calculator"])?;
//!     let channel = client::channel(&address.parse()?, methods, Options::default());
//!     let mut request = client::request(Number { value }, Some(Duration::from_secs(5)));
//!     request.extensions_mut().insert(client::Compression::Gzip); // if it makes the message shorter
//!     request.extensions_mut().insert(client::WaitForReady); // if the server is not running yet
//!     let response = CalculatorClient::new(channel).square_root(request).await?;
//!     Ok(response.into_inner().value)
//! }
//! #
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #     use calculator::grpcio::serve::listen;
//! #     let listeners = listen::bind(&"127.0.0.1:0".parse()?, listen::Options::default())?;
//! #     let address = listeners[0].local_address()?.to_string();
//! #     let options = calculator::server::options(Default::default())?;
//! #     tokio::spawn(calculator::server::serve(listeners, options, std::future::pending()));
//! #     assert_eq!(root(&address, 4.0).await?, 2.0);
//! #     let error = root(&address, -1.0).await.unwrap_err();
//! #     assert!(error.to_string().contains("math domain error"), "{error}");
//! #     Ok(())
//! # }
//! ```
//!
//! A client with its own endpoint, for example another connect timeout, combines the parts itself:
//!
//! ```
//! use calculator::grpcio::client::connect::Connector;
//! use calculator::grpcio::client::tls::{Tls, TlsFiles};
//! use calculator::grpcio::{Methods, client};
//! use tonic::transport::Uri;
//! use tonic_health::pb::health_client::HealthClient;
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! let tls = Tls::from_files(&TlsFiles { ca: Some("ca.pem".into()), ..TlsFiles::default() })?;
//! let endpoint = client::endpoint(Uri::from_static("https://localhost:50051"));
//! let channel = endpoint.connect_with_connector_lazy(Connector::default().with_tls(tls));
//! let layers = client::layer(Methods::default()); // unary methods only
//! let stub = HealthClient::new(layers.service(channel));
//! # drop(stub);
//! # Ok(())
//! # }
//! ```

mod calculator;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
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

/// The snippets in the documents, which are compiled as doctests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../interop-tests/docs/compatibility.md")]
    struct Compatibility;
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The modules from the bottom to the top.
    const LAYERS: [&str; 6] =
        ["calculator", "grpcio", "rpc", "service", "test_directives", "server"];

    /// Imports that are forbidden although the layers would allow them: module, imported path.
    const FORBIDDEN: [(&str, &str); 15] = [
        ("grpcio/client", "grpcio::serve"),
        ("grpcio/client", "grpcio::server"),
        ("grpcio/client", "grpcio::services"),
        ("grpcio/serve", "grpcio::client"),
        ("grpcio/server", "grpcio::client"),
        ("grpcio/server", "grpcio::serve:"),
        ("grpcio/server", "grpcio::services"),
        ("grpcio/services", "grpcio::client"),
        ("grpcio/services", "grpcio::serve"),
        ("grpcio/wire", "grpcio::client"),
        ("grpcio/wire", "grpcio::serve"),
        ("service", "grpcio::client"),
        ("service", "grpcio::serve:"),
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

    /// The code of a file without comments and without its tests, which may use any module.
    fn code(file: &Path) -> String {
        let text = fs::read_to_string(file).expect("a text file");
        let text = text.split_once("#[cfg(test)]").map_or(&text[..], |(code, _)| code);
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
