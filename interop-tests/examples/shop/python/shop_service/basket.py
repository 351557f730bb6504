"""A basket that a customer fills step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop.v1 import product_pb2, shop_pb2
from shop_service import orders
from shop_service.validation import Violations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shop.v1.product_pb2 import Product
    from shop.v1.shop_pb2 import EditBasketRequest, EditBasketResponse

_CURRENCY = "EUR"
_LARGEST_QUANTITY = 1000


class Basket:
    """Contains products of the catalogue."""

    def __init__(self, products: Mapping[str, Product]) -> None:
        self._products = products
        self._quantities: dict[str, int] = {}

    def edited(self, step: int, request: EditBasketRequest) -> EditBasketResponse:
        """Edit the basket, and return what is in it."""
        problem: str | None = None
        match request.WhichOneof("action"):
            case "add":
                problem = self._add(request.add.product_id, request.add.quantity)
            case "remove":
                if self._quantities.pop(request.remove, None) is None:
                    problem = "the product is not in the basket"
            case "clear":
                self._quantities.clear()
            case "change":
                problem = self._change(request.change)
            case None:
                violations = Violations()
                violations.add("action", "must be set")
                violations.check()
        total = sum(
            quantity * orders.price(self._products[product_id])
            for product_id, quantity in self._quantities.items()
        )
        response = shop_pb2.EditBasketResponse(
            step=step,
            quantities=self._quantities,
            total=orders.money(_CURRENCY, total),
            problem=problem,
        )
        if request.HasField("note"):
            response.note.CopyFrom(request.note)
        return response

    def _add(self, product_id: str, quantity: int) -> str | None:
        product = self._products.get(product_id)
        if product is None:
            return "there is no such product"
        if product.state != product_pb2.PRODUCT_STATE_FOR_SALE:
            return "the product is not for sale"
        if product.price.currency_code != _CURRENCY:
            return f"the product is not sold in {_CURRENCY}"
        new = self._quantities.get(product_id, 0) + quantity
        if not 1 <= new <= _LARGEST_QUANTITY:
            return f"a quantity must be from 1 to {_LARGEST_QUANTITY}"
        self._quantities[product_id] = new
        return None

    def _change(self, change: int) -> str | None:
        changed = {product: quantity + change for product, quantity in self._quantities.items()}
        if not all(1 <= quantity <= _LARGEST_QUANTITY for quantity in changed.values()):
            return f"a quantity must be from 1 to {_LARGEST_QUANTITY}"
        self._quantities = changed
        return None
