//! An import of many products.

use std::collections::BTreeMap;

use super::validation::Violations;
use crate::proto::import_products_request::Item;
use crate::proto::import_products_response::Rejection;
use crate::proto::{ImportOptions, ImportProductsResponse, Product};

/// Collects the products that a client sends to a shop.
#[derive(Debug)]
pub(crate) struct ProductImport {
    pub(crate) shop: String,
    pub(crate) accepted: BTreeMap<String, Product>,
    pub(crate) summary: ImportProductsResponse,
    existing: BTreeMap<String, Product>,
    options: ImportOptions,
}

impl ProductImport {
    /// Begins an import to a shop with these products.
    pub(crate) fn new(shop: String, existing: BTreeMap<String, Product>) -> Self {
        Self {
            shop,
            accepted: BTreeMap::new(),
            summary: ImportProductsResponse::default(),
            existing,
            options: ImportOptions::default(),
        }
    }

    /// Processes the item of a request.
    pub(crate) fn add(&mut self, index: i64, item: Option<Item>) {
        match item {
            Some(Item::Product(product)) => self.add_product(index, product),
            Some(Item::Options(options)) => self.options = options,
            Some(Item::Comment(_)) => {}
            None => self.reject(index, String::new(), "there is no item".to_owned()),
        }
    }

    fn add_product(&mut self, index: i64, mut product: Product) {
        let mut violations = Violations::default();
        violations.check_product("product", &product, !self.shop.is_empty());
        if let Some(reason) = violations.text() {
            return self.reject(index, product.id, reason);
        }
        let earlier = self.accepted.get(&product.id).or_else(|| self.existing.get(&product.id));
        let earlier = earlier.map(|earlier| earlier.revision);
        if earlier.is_some() && !self.options.replace {
            return self.reject(index, product.id, "the product exists".to_owned());
        }
        let summary = &mut self.summary;
        match earlier {
            None => summary.created += 1,
            Some(_) => summary.replaced += 1,
        }
        product.revision = earlier.map_or(1, |revision| revision + 1);
        product.labels.extend(self.options.labels.clone());
        summary.states.insert(product.id.clone(), product.state);
        summary.last = Some(product.clone());
        summary.balance = summary.balance.wrapping_add(product.balance);
        self.accepted.insert(product.id.clone(), product);
    }

    fn reject(&mut self, index: i64, product_id: String, reason: String) {
        self.summary.rejections.push(Rejection { index, product_id, reason });
    }
}
