//! Checks and places orders.

use tonic_types::PreconditionViolation;

use super::errors::ShopError;
use super::store::Shop;
use super::validation::Violations;
use crate::proto::place_order_request::Payment;
use crate::proto::{Money, Order, OrderState, PlaceOrderRequest, Product, ProductState, order};

const MOST_LINES: usize = 20;
const LARGEST_QUANTITY: u32 = 1000;
const BILLION: i128 = 1_000_000_000;

/// Checks a request before the products are looked up.
pub(crate) fn check(request: &PlaceOrderRequest) -> Result<(), ShopError> {
    let mut violations = Violations::default();
    violations.check_shop(&request.shop);
    if !(1..=MOST_LINES).contains(&request.lines.len()) {
        violations.add("lines", format!("must be from 1 to {MOST_LINES}"));
    }
    for (index, line) in request.lines.iter().enumerate() {
        violations.check_id(format!("lines[{index}].product_id"), &line.product_id);
        if !(1..=LARGEST_QUANTITY).contains(&line.quantity) {
            let description = format!("must be from 1 to {LARGEST_QUANTITY}");
            violations.add(format!("lines[{index}].quantity"), description);
        }
    }
    match &request.payment {
        Some(Payment::Card(card)) => {
            violations.check_last_digits("card.last_digits", &card.last_digits);
        }
        Some(Payment::InvoiceAddress(address)) if address.is_empty() => {
            violations.add("invoice_address", "must not be empty");
        }
        Some(_) => {}
        None => violations.add("payment", "must be set"),
    }
    if let Some(patience) = &request.patience {
        violations.check_duration("patience", patience);
    }
    violations.check()
}

/// Stores an order in a shop.
pub(crate) fn place(request: PlaceOrderRequest, shop: &mut Shop) -> Result<Order, ShopError> {
    let products = request.lines.iter().map(|line| shop.product(&line.product_id));
    let products = products.collect::<Result<Vec<_>, _>>()?;
    let first_price = products.first().and_then(|product| product.price.as_ref());
    let currency = first_price.map(|price| price.currency_code.clone()).unwrap_or_default();
    let violations: Vec<_> =
        products.iter().flat_map(|product| violations(product, &request, &currency)).collect();
    if !violations.is_empty() {
        return Err(ShopError::CannotOrder(violations));
    }
    let mut total = 0;
    let mut lines = request.lines;
    for (line, product) in lines.iter_mut().zip(products) {
        line.price.clone_from(&product.price);
        total += i128::from(line.quantity) * price(product);
    }
    let order = Order {
        id: shop.next_order_id(),
        state: OrderState::Placed.into(),
        lines,
        total: Some(money(currency, total).ok_or(ShopError::TotalTooLarge)?),
        payment: request.payment.map(|payment| match payment {
            Payment::Card(card) => order::Payment::Card(card),
            Payment::InvoiceAddress(address) => order::Payment::InvoiceAddress(address),
            Payment::Voucher(voucher) => order::Payment::Voucher(voucher),
        }),
        remarks: request.remarks,
    };
    shop.orders.insert(order.id.clone(), order.clone());
    Ok(order)
}

/// Why a product cannot be ordered.
fn violations(
    product: &Product,
    request: &PlaceOrderRequest,
    currency: &str,
) -> Vec<PreconditionViolation> {
    let mut violations = Vec::new();
    let mut add = |kind: &str, description: &str| {
        violations.push(PreconditionViolation::new(kind, &product.id, description));
    };
    if product.state != i32::from(ProductState::ForSale) {
        add("STATE", "is not for sale");
    }
    match &product.price {
        None => add("PRICE", "has no price"),
        Some(price) if price.currency_code != currency => {
            add("CURRENCY", &format!("is not sold in {currency}"));
        }
        Some(_) => {}
    }
    let lead_time = product.lead_time.unwrap_or_default();
    if request.patience.is_some_and(|patience| {
        (lead_time.seconds, lead_time.nanos) > (patience.seconds, patience.nanos)
    }) {
        add("LEAD_TIME", "takes longer than the customer can wait");
    }
    violations
}

/// The price of a product, in billionths.
pub(crate) fn price(product: &Product) -> i128 {
    let price = product.price.as_ref();
    price.map_or(0, |price| i128::from(price.units) * BILLION + i128::from(price.nanos))
}

/// An amount of money, if it is not too large.
pub(crate) fn money(currency_code: String, billionths: i128) -> Option<Money> {
    let units = i64::try_from(billionths / BILLION).ok()?;
    let nanos = i32::try_from(billionths % BILLION).ok()?;
    Some(Money { currency_code, units, nanos })
}
