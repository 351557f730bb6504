//! The calculator with plain tonic and prost on tokio's default runtime: what a team would deploy without this
//! project.

use std::io;

/// Serves forever at the address that is the only argument.
#[tokio::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    let address = address.parse().map_err(io::Error::other)?;
    interop_rivals::plain_tonic::serve(address).await.map_err(io::Error::other)
}
