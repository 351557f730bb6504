//! The service `shop.v1.Shop`, which both programs include. They differ only in how they serve it.
//!
//! - [`service`]: the methods
//! - [`store`]: the products and orders of every shop
//! - [`orders`], [`basket`], [`product_import`], [`update_mask`]: what the methods do
//! - [`validation`]: what is wrong with a request
//! - [`errors`]: statuses and their details
//! - [`call`], [`trailing_metadata`]: the metadata of requests and responses
//! - [`responses`]: streams of responses
//! - [`program`]: the command line, and the shutdown

mod basket;
mod call;
mod errors;
mod orders;
mod product_import;
pub(crate) mod program;
mod responses;
mod service;
mod store;
pub(crate) mod trailing_metadata;
mod update_mask;
mod validation;

use std::error::Error;

use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, HealthService};

use crate::proto::shop_server::{SERVICE_NAME, ShopServer};

/// The descriptors of all services.
pub(crate) const DESCRIPTORS: [&[u8]; 3] = [
    include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin")),
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// The shop, health checking and reflection.
pub(crate) async fn routes() -> Result<Routes, Box<dyn Error>> {
    let health = HealthReporter::new();
    for name in ["", SERVICE_NAME] {
        health.set_service_status(name, ServingStatus::Serving).await;
    }
    let health = HealthService::from_health_reporter(health);
    let mut reflection = tonic_reflection::server::Builder::configure();
    for descriptors in DESCRIPTORS {
        reflection = reflection.register_encoded_file_descriptor_set(descriptors);
    }
    let shop = ShopServer::new(service::ShopService::new()?);
    Ok(Routes::new(shop)
        .add_service(tonic_health::pb::health_server::HealthServer::new(health))
        .add_service(reflection.build_v1alpha()?))
}
