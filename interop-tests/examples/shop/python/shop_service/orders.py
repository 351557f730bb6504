"""Checks and places orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop.v1 import product_pb2, shop_pb2
from shop_service import errors
from shop_service.validation import Violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shop.v1.product_pb2 import Product
    from shop.v1.shop_pb2 import Order, PlaceOrderRequest
    from shop_service.store import Shop

_MOST_LINES = 20
_LARGEST_QUANTITY = 1000
_BILLION = 1_000_000_000
_INT64_MAX = (1 << 63) - 1


def check(request: PlaceOrderRequest) -> None:
    """Check a request before the products are looked up."""
    violations = Violations()
    violations.check_shop(request.shop)
    if not 1 <= len(request.lines) <= _MOST_LINES:
        violations.add("lines", f"must be from 1 to {_MOST_LINES}")
    for index, line in enumerate(request.lines):
        violations.check_id(f"lines[{index}].product_id", line.product_id)
        if not 1 <= line.quantity <= _LARGEST_QUANTITY:
            violations.add(f"lines[{index}].quantity", f"must be from 1 to {_LARGEST_QUANTITY}")
    match request.WhichOneof("payment"):
        case "card":
            violations.check_last_digits("card.last_digits", request.card.last_digits)
        case "invoice_address":
            if not request.invoice_address:
                violations.add("invoice_address", "must not be empty")
        case None:
            violations.add("payment", "must be set")
    if request.HasField("patience"):
        violations.check_duration("patience", request.patience)
    violations.check()


def place(request: PlaceOrderRequest, shop: Shop) -> Order:
    """Store an order in a shop."""
    products = [shop.product(line.product_id) for line in request.lines]
    currency = products[0].price.currency_code
    violations = [
        violation for product in products for violation in _violations(product, request, currency)
    ]
    if violations:
        raise errors.cannot_order(violations)
    order = shop_pb2.Order(
        id=shop.next_order_id(), state=shop_pb2.ORDER_STATE_PLACED, lines=request.lines
    )
    total = 0
    for line, product in zip(order.lines, products, strict=True):
        line.price.CopyFrom(product.price)
        total += line.quantity * price(product)
    if total // _BILLION > _INT64_MAX:
        raise errors.total_too_large()
    order.total.CopyFrom(money(currency, total))
    match request.WhichOneof("payment"):
        case "card":
            order.card.CopyFrom(request.card)
        case "invoice_address":
            order.invoice_address = request.invoice_address
        case "voucher":
            order.voucher = request.voucher
    if request.HasField("remarks"):
        order.remarks.CopyFrom(request.remarks)
    shop.orders[order.id] = order
    return order


def _violations(
    product: Product, request: PlaceOrderRequest, currency: str
) -> Iterator[tuple[str, str, str]]:
    """Yield why a product cannot be ordered."""
    if product.state != product_pb2.PRODUCT_STATE_FOR_SALE:
        yield "STATE", product.id, "is not for sale"
    if not product.HasField("price"):
        yield "PRICE", product.id, "has no price"
    elif product.price.currency_code != currency:
        yield "CURRENCY", product.id, f"is not sold in {currency}"
    patience, lead_time = request.patience, product.lead_time
    if request.HasField("patience") and (
        (lead_time.seconds, lead_time.nanos) > (patience.seconds, patience.nanos)
    ):
        yield "LEAD_TIME", product.id, "takes longer than the customer can wait"


def price(product: Product) -> int:
    """Return the price of a product, in billionths."""
    units: int = product.price.units * _BILLION
    nanos: int = product.price.nanos
    return units + nanos


def money(currency: str, billionths: int) -> product_pb2.Money:
    """Return an amount of money."""
    units, nanos = divmod(billionths, _BILLION)
    return product_pb2.Money(currency_code=currency, units=units, nanos=nanos)
