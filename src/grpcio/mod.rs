//! grpcio behaviour that tonic lacks, reusable by any tonic program.
pub mod address;
pub mod client;
pub mod pem;
pub mod server;
pub mod status;
pub mod wire;
