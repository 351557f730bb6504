//! What is wrong with a request.
//!
//! All fields are checked, so that a client can show everything that there is to correct.

use prost_types::Duration;
use tonic_types::FieldViolation;

use super::errors::{ShopError, violation_texts};
use crate::proto::{Money, Product};

const NAME_LENGTH: usize = 100;
const HIGHEST_RATING: u8 = 5;
const BILLION: i32 = 1_000_000_000;

/// The fields of a request that are invalid.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<FieldViolation>);

impl Violations {
    /// Adds a field, and what is wrong with it.
    pub(crate) fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    /// An error if there are violations.
    pub(crate) fn check(self) -> Result<(), ShopError> {
        if self.0.is_empty() { Ok(()) } else { Err(ShopError::InvalidRequest(self.0)) }
    }

    /// The violations as a text, if there are any.
    pub(crate) fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| violation_texts(&self.0))
    }

    /// Checks the id of a product, an order or a shop.
    pub(crate) fn check_id(&mut self, field: impl Into<String>, value: &str) {
        if !is_id(value) {
            self.add(field, "must have 1 to 40 lower-case letters, digits and hyphens");
        }
    }

    /// Checks the name of a shop, which may be missing.
    pub(crate) fn check_shop(&mut self, name: &str) {
        if !name.is_empty() {
            self.check_id("shop", name);
        }
    }

    /// Checks a product that a client sends.
    pub(crate) fn check_product(&mut self, field: &str, product: &Product, needs_id: bool) {
        if needs_id || !product.id.is_empty() {
            self.check_id(format!("{field}.id"), &product.id);
        }
        if product.display_name.chars().count() > NAME_LENGTH {
            let description = format!("must have at most {NAME_LENGTH} characters");
            self.add(format!("{field}.display_name"), description);
        }
        if let Some(price) = &product.price {
            self.check_money(&format!("{field}.price"), price);
        }
        for (index, tag) in product.tags.iter().enumerate() {
            if tag.is_empty() {
                self.add(format!("{field}.tags[{index}]"), "must not be empty");
            }
        }
        if !(product.weight >= 0.0 && product.weight.is_finite()) {
            self.add(format!("{field}.weight"), "must be finite and not negative");
        }
        if !(0.0..=f32::from(HIGHEST_RATING)).contains(&product.rating) {
            self.add(format!("{field}.rating"), format!("must be from 0 to {HIGHEST_RATING}"));
        }
        if let Some(lead_time) = &product.lead_time {
            self.check_duration(format!("{field}.lead_time"), lead_time);
        }
    }

    fn check_money(&mut self, field: &str, money: &Money) {
        let code = money.currency_code.as_bytes();
        if code.len() != 3 || !code.iter().all(u8::is_ascii_uppercase) {
            self.add(format!("{field}.currency_code"), "must have three capital letters");
        }
        if money.units < 0 {
            self.add(format!("{field}.units"), "must not be negative");
        }
        if !(0..BILLION).contains(&money.nanos) {
            self.add(format!("{field}.nanos"), "must be less than one unit and not negative");
        }
    }

    /// Checks a duration.
    pub(crate) fn check_duration(&mut self, field: impl Into<String>, duration: &Duration) {
        if duration.seconds < 0 || !(0..BILLION).contains(&duration.nanos) {
            self.add(field, "must be a duration that is not negative");
        }
    }

    /// Checks the last digits of the number of a card.
    pub(crate) fn check_last_digits(&mut self, field: impl Into<String>, digits: &str) {
        if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            self.add(field, "must have four digits");
        }
    }
}

/// Whether a text can be the id of a product, an order or a shop.
pub(crate) fn is_id(value: &str) -> bool {
    let is_valid = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=40).contains(&value.len()) && value.bytes().all(is_valid)
}
