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
use std::pin::pin;

use calculator::grpcio::server;
use calculator::grpcio::wire::method::{MethodKind, Methods};
use clap::Parser;
use prost::Message;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tokio::net::TcpListener;
use tower::Layer;

use shop::program::{Options, announce, shutdown};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(Options::parse().listen).await?;
    let routes = shop::trailing_metadata::layer().layer(shop::routes().await?);
    let methods = methods(&shop::DESCRIPTORS)?;
    announce(&listener)?;
    let mut shutdown = pin!(shutdown());
    loop {
        let (socket, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut shutdown => return Ok(()),
        };
        socket.set_nodelay(true)?;
        let (methods, routes) = (methods.clone(), routes.clone());
        tokio::spawn(server::connection(socket, false, |early_requests| {
            server::layer(methods, early_requests).service(routes)
        }));
    }
}

/// The methods of all services in these descriptor sets.
fn methods(descriptors: &[&[u8]]) -> Result<Methods, prost::DecodeError> {
    let mut methods = Vec::new();
    for descriptors in descriptors {
        for file in FileDescriptorSet::decode(*descriptors)?.file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    methods.push((path, kind(method)));
                }
            }
        }
    }
    Ok(Methods::new(methods.iter().map(|(path, kind)| (path.as_str(), *kind))))
}

fn kind(method: &MethodDescriptorProto) -> MethodKind {
    match (method.client_streaming(), method.server_streaming()) {
        (false, false) => MethodKind::Unary,
        (true, false) => MethodKind::ClientStreaming,
        (false, true) => MethodKind::ServerStreaming,
        (true, true) => MethodKind::Bidirectional,
    }
}
