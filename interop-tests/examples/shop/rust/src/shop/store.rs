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

    /// A category of the catalogue, or the root, with at most `depth` levels below it.
    pub(crate) fn category(&self, id: &str, depth: Option<u32>) -> Result<Category, ShopError> {
        let mut waiting = vec![&self.root];
        while let Some(found) = waiting.pop() {
            if id.is_empty() || found.id == id {
                return Ok(depth.map_or_else(|| found.clone(), |depth| pruned(found, depth)));
            }
            waiting.extend(&found.children);
        }
        Err(ShopError::NotFound { kind: "category", name: id.to_owned() })
    }
}

/// The category with this number of levels below it.
fn pruned(found: &Category, depth: u32) -> Category {
    let children = match depth.checked_sub(1) {
        Some(depth) => found.children.iter().map(|child| pruned(child, depth)).collect(),
        None => Vec::new(),
    };
    Category { id: found.id.clone(), display_name: found.display_name.clone(), children }
}
