//! A basket that a customer fills step by step.

use std::collections::BTreeMap;

use super::errors::ShopError;
use super::orders;
use super::validation::Violations;
use crate::proto::edit_basket_request::Action;
use crate::proto::{EditBasketResponse, Product, ProductState};

const CURRENCY: &str = "EUR";
const LARGEST_QUANTITY: u32 = 1000;

/// Contains products of the catalogue.
#[derive(Debug)]
pub(crate) struct Basket {
    products: BTreeMap<String, Product>,
    quantities: BTreeMap<String, u32>,
    /// How often it was edited.
    pub(crate) steps: u32,
}

impl Basket {
    /// A basket for these products.
    pub(crate) fn new(products: BTreeMap<String, Product>) -> Self {
        Self { products, quantities: BTreeMap::new(), steps: 0 }
    }

    /// Edits the basket, and returns what is in it.
    pub(crate) fn edit(&mut self, action: Option<Action>) -> Result<EditBasketResponse, ShopError> {
        self.steps += 1;
        let (mut problem, mut note) = (None, None);
        match action {
            Some(Action::Add(add)) => problem = self.add(add.product_id, add.quantity).err(),
            Some(Action::Remove(product_id)) => {
                if self.quantities.remove(&product_id).is_none() {
                    problem = Some("the product is not in the basket".to_owned());
                }
            }
            Some(Action::Clear(())) => self.quantities.clear(),
            Some(Action::Note(text)) => note = Some(text),
            Some(Action::Change(change)) => problem = self.change(change).err(),
            None => {
                let mut violations = Violations::default();
                violations.add("action", "must be set");
                violations.check()?;
            }
        }
        let quantities = self.quantities.iter();
        let costs = quantities.filter_map(|(product_id, quantity)| {
            Some(i128::from(*quantity) * orders::price(self.products.get(product_id)?))
        });
        Ok(EditBasketResponse {
            step: self.steps,
            quantities: self.quantities.clone(),
            total: orders::money(CURRENCY.to_owned(), costs.sum()),
            note,
            problem,
        })
    }

    fn add(&mut self, product_id: String, quantity: u32) -> Result<(), String> {
        let product = self.products.get(&product_id).ok_or("there is no such product")?;
        if product.state != i32::from(ProductState::ForSale) {
            return Err("the product is not for sale".to_owned());
        }
        if product.price.as_ref().is_none_or(|price| price.currency_code != CURRENCY) {
            return Err(format!("the product is not sold in {CURRENCY}"));
        }
        let old = self.quantities.get(&product_id).copied().unwrap_or_default();
        let new = checked(i64::from(old) + i64::from(quantity))?;
        self.quantities.insert(product_id, new);
        Ok(())
    }

    fn change(&mut self, change: i32) -> Result<(), String> {
        let quantities = self.quantities.iter().map(|(product_id, quantity)| {
            Ok((product_id.clone(), checked(i64::from(*quantity) + i64::from(change))?))
        });
        self.quantities = quantities.collect::<Result<_, String>>()?;
        Ok(())
    }
}

/// A quantity that a basket can contain.
fn checked(quantity: i64) -> Result<u32, String> {
    let quantity = u32::try_from(quantity).ok();
    quantity
        .filter(|quantity| (1..=LARGEST_QUANTITY).contains(quantity))
        .ok_or_else(|| format!("a quantity must be from 1 to {LARGEST_QUANTITY}"))
}
