//! Serves the shop with tonic's own server and codec.

#[path = "../shop/mod.rs"]
mod shop;

/// What tonic generates from the .proto files.
mod proto {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::all,
        clippy::pedantic,
        reason = "generated code"
    )]
    include!(concat!(env!("OUT_DIR"), "/plain/shop.v1.rs"));
}

use std::error::Error;

use clap::Parser;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use shop::program::{Options, announce, shutdown};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(Options::parse().listen).await?;
    let routes = shop::routes().await?;
    announce(&listener)?;
    Server::builder()
        .layer(shop::trailing_metadata::layer())
        .add_routes(routes)
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            shutdown(),
        )
        .await?;
    Ok(())
}
