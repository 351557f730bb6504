//! Serves the shop with grpcio's behaviour.

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
    include!(concat!(env!("OUT_DIR"), "/grpcio/shop.v1.rs"));
}

use std::error::Error;

use calculator::grpcio::serve::listen::Listener;
use calculator::grpcio::{self, Options};
use clap::Parser;
use tower::Layer;

use proto::shop_server::SERVICE_NAME;
use shop::program::{Arguments, listen, shutdown};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::new(shop::DESCRIPTORS, &[SERVICE_NAME])?;
    options.health = true;
    options.reflection = true;
    let service = shop::trailing_metadata::layer().layer(shop::service()?);
    let listeners = vec![Listener::Tcp(listen(&Arguments::parse())?)];
    grpcio::serve(listeners, service, options, shutdown()).await?;
    Ok(())
}
