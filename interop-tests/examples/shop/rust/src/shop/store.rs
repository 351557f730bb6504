//! The products and orders of every shop.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use prost::{DecodeError, Message};

use super::errors::ShopError;
use crate::proto::{Catalogue, Category, Order, Product};

const CATALOGUE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalogue.bin"));

/// A shop, at first with the catalogue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shop {
    /// By id.
    pub(crate) products: BTreeMap<String, Product>,
    /// By id.
    pub(crate) orders: HashMap<String, Order>,
}

impl Shop {
    /// The product with this id.
    pub(crate) fn product(&self, id: &str) -> Result<&Product, ShopError> {
        let missing = || ShopError::NotFound { kind: "product", name: id.to_owned() };
        self.products.get(id).ok_or_else(missing)
    }

    /// The id of the next order.
    pub(crate) fn next_order_id(&self) -> String {
        format!("order-{}", self.orders.len() + 1)
    }
}

/// All shops.
#[derive(Debug)]
pub(crate) struct Store {
    catalogue: Shop,
    root: Category,
    shops: Mutex<HashMap<String, Shop>>,
}

impl Store {
    /// No shop differs from the catalogue.
    pub(crate) fn new() -> Result<Self, DecodeError> {
        let Catalogue { products, root } = Catalogue::decode(CATALOGUE)?;
        let products = products.into_iter().map(|product| (product.id.clone(), product)).collect();
        let catalogue = Shop { products, ..Shop::default() };
        Ok(Self { catalogue, root: root.unwrap_or_default(), shops: Mutex::default() })
    }

    /// Reads or writes a shop. What is written to a shop without a name is lost.
    pub(crate) fn open<R>(&self, name: &str, access: impl FnOnce(&mut Shop) -> R) -> R {
        if name.is_empty() {
            return access(&mut self.catalogue.clone());
        }
        let mut shops = self.shops.lock().unwrap_or_else(PoisonError::into_inner);
        access(shops.entry(name.to_owned()).or_insert_with(|| self.catalogue.clone()))
    }

    /// A category of the catalogue, or the root.
    pub(crate) fn category(&self, id: &str) -> Result<&Category, ShopError> {
        if id.is_empty() {
            return Ok(&self.root);
        }
        let mut waiting = vec![&self.root];
        while let Some(found) = waiting.pop() {
            if found.id == id {
                return Ok(found);
            }
            waiting.extend(&found.children);
        }
        Err(ShopError::NotFound { kind: "category", name: id.to_owned() })
    }
}
