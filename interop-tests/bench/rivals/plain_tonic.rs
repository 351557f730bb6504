//! The calculator on tonic and prost as they come, on tokio's default runtime: what a team would deploy
//! without this project.
//!
//! Written out by hand, because what the build generates for the Rust server has its codec and its
//! message in it.

#[allow(dead_code, clippy::expect_used, reason = "it is a program of the self-test too")]
#[path = "../../self-test/plain_tonic.rs"]
mod plain_tonic;

use std::io;

/// Serves for ever at the address that is the only argument.
#[tokio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    let address = address.parse().map_err(io::Error::other)?;
    plain_tonic::serve(address).await.map_err(io::Error::other)
}
