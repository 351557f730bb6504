//! The calculator of `proto/calculator.proto` as a gRPC server and client, drop-in replacements for
//! the Python programs in `python/`, and layers that give any tonic program the behaviour of grpcio.
//!
//! # Modules
//!
//! Each of them imports only those below it:
//!
//! - [`server`]: runs the calculator's services on listening sockets until a shutdown future
//!   resolves
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
//!
//! # grpcio's behaviour in another tonic program
//!
//! The examples use the health service of `tonic-health`, as a service that this crate did not
//! generate. Any other service works in the same way.
//!
//! ## A server
//!
//! The layers need the paths and kinds of all methods, because grpcio refuses an unknown method
//! before it reads a message. [`grpcio::server::connection()`] serves one client:
//!
//! ```
//! use calculator::grpcio::server;
//! use calculator::grpcio::wire::method::{MethodKind, Methods};
//! use tokio::net::TcpListener;
//!
//! async fn serve(listener: TcpListener) -> std::io::Result<()> {
//!     let (_, health) = tonic_health::server::health_reporter();
//!     let methods = Methods::new([
//!         ("/grpc.health.v1.Health/Check", MethodKind::Unary),
//!         ("/grpc.health.v1.Health/Watch", MethodKind::ServerStreaming),
//!     ]);
//!     loop {
//!         let (socket, _) = listener.accept().await?;
//!         let (methods, health) = (methods.clone(), health.clone());
//!         tokio::spawn(server::connection(socket, false, |early_requests| {
//!             server::layer(methods, early_requests).service(health)
//!         }));
//!     }
//! }
//! ```
//!
//! To serve several services, layer a tower service that dispatches by the path of the request, such
//! as [`tonic::service::Routes`](https://docs.rs/tonic/latest/tonic/service/struct.Routes.html) or
//! [`service::dispatch`].
//!
//! ## A client
//!
//! [`grpcio::client::channel()`] is a channel with all rules of a client. It needs the kinds of the
//! methods, to know how many responses each of them has. This calls the server above:
//!
//! ```
//! use calculator::grpcio::client::{self, MethodKind, Options};
//! use std::time::Duration;
//! use tonic::{Code, Status};
//! use tonic_health::pb::HealthCheckRequest;
//! use tonic_health::pb::health_client::HealthClient;
//!
//! async fn is_serving(address: &str, service: &str) -> Result<bool, Status> {
//!     let address = address.parse().map_err(|_| Status::invalid_argument("not an address"))?;
//!     let kinds = |path: &str| match path {
//!         "/grpc.health.v1.Health/Watch" => Some(MethodKind::ServerStreaming),
//!         _ => None, // unary
//!     };
//!     let channel = client::channel(&address, kinds, Options::default());
//!     let message = HealthCheckRequest { service: service.to_owned() };
//!     let mut request = client::request(message, Some(Duration::from_secs(5)));
//!     request.extensions_mut().insert(client::Compression::Gzip); // if it makes the message shorter
//!     request.extensions_mut().insert(client::WaitForReady); // if the server is not running yet
//!     let response = HealthClient::new(channel).check(request).await?;
//!     Ok(response.into_inner().status == 1)
//! }
//! # async fn serve(listener: tokio::net::TcpListener) -> std::io::Result<()> {
//! #     use calculator::grpcio::{server, wire::method::Methods};
//! #     let (_, health) = tonic_health::server::health_reporter();
//! #     let methods = Methods::new([("/grpc.health.v1.Health/Check", MethodKind::Unary)]);
//! #     loop {
//! #         let (socket, _) = listener.accept().await?;
//! #         let (methods, health) = (methods.clone(), health.clone());
//! #         tokio::spawn(server::connection(socket, false, |early_requests| {
//! #             server::layer(methods, early_requests).service(health)
//! #         }));
//! #     }
//! # }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//!     let address = listener.local_addr()?.to_string();
//!     tokio::spawn(serve(listener));
//!     assert!(is_serving(&address, "").await?);
//!     let error = is_serving(&address, "shop").await.unwrap_err();
//!     assert_eq!(error.code(), Code::NotFound);
//!     Ok(())
//! }
//! ```
//!
//! A client with its own endpoint, for example another connect timeout, combines the parts itself:
//!
//! ```
//! use calculator::grpcio::client::connect::Connector;
//! use calculator::grpcio::client::tls::{Tls, TlsFiles};
//! use calculator::grpcio::client;
//! use tonic::transport::Uri;
//! use tonic_health::pb::health_client::HealthClient;
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! let tls = Tls::from_files(&TlsFiles { ca: Some("ca.pem".into()), ..TlsFiles::default() })?;
//! let endpoint = client::endpoint(Uri::from_static("https://localhost:50051"));
//! let channel = endpoint.connect_with_connector_lazy(Connector::default().with_tls(tls));
//! let layers = client::layer(|_| None);
//! let stub = HealthClient::new(layers.service(channel));
//! # drop(stub);
//! # Ok(())
//! # }
//! ```
//!
//! ## Codecs
//!
//! Code that is generated with these codecs also has grpcio's status messages for malformed
//! protobuf. In `build.rs`, pass their paths to `tonic_prost_build::Builder::codec_path`:
//! `calculator::grpcio::wire::codec::ServerCodec` for the server's side and
//! `calculator::grpcio::wire::codec::ClientCodec` for the client's side.

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
