//! The service `shop.v1.Shop`, which both programs include. They differ only in how they serve it.
//!
//! - [`mod@service`]: the methods
//! - [`store`]: the products and orders of every shop
//! - [`orders`], [`basket`], [`product_import`], [`update_mask`]: what the methods do
//! - [`validation`]: what is wrong with a request
//! - [`errors`]: statuses and their details
//! - [`call`], [`trailing_metadata`]: the metadata of requests and responses
//! - [`program`]: the command line, and the shutdown

mod basket;
mod call;
mod errors;
mod orders;
mod product_import;
pub(crate) mod program;
mod service;
mod store;
pub(crate) mod trailing_metadata;
mod update_mask;
mod validation;

use prost::DecodeError;

use crate::proto::shop_server::ShopServer;

/// The descriptors of the shop, from `build.rs`.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The service, as tonic generates it.
pub(crate) fn service() -> Result<ShopServer<service::ShopService>, DecodeError> {
    Ok(ShopServer::new(service::ShopService::new()?))
}
