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
use tonic_health::ServingStatus;
use tonic_health::server::health_reporter;

use proto::shop_server::SERVICE_NAME;
use shop::program::{Arguments, listen, shutdown};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (health, health_service) = health_reporter();
    health.set_service_status(SERVICE_NAME, ServingStatus::Serving).await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(shop::DESCRIPTORS)
        .build_v1()?;
    let listener = TcpListener::from_std(listen(&Arguments::parse())?)?;
    Server::builder()
        .layer(shop::trailing_metadata::layer())
        .add_service(shop::service()?)
        .add_service(health_service)
        .add_service(reflection)
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            shutdown(),
        )
        .await?;
    Ok(())
}
