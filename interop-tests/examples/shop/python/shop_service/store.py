"""The products and orders of every shop.

Messages in the store never change, so they can be read without the lock after they were returned.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from google.protobuf import text_format

from shop.v1.product_pb2 import Catalogue, Category
from shop_service import PROTO_FOLDER, errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shop.v1.product_pb2 import Product
    from shop.v1.shop_pb2 import Order

_CATALOGUE: Catalogue = text_format.Parse(
    (PROTO_FOLDER / "catalogue.txtpb").read_text(encoding="utf-8"), Catalogue()
)


def _catalogue() -> dict[str, Product]:
    return {product.id: product for product in _CATALOGUE.products}


@dataclass
class Shop:
    """A shop, at first with the catalogue."""

    products: dict[str, Product] = field(default_factory=_catalogue)
    orders: dict[str, Order] = field(default_factory=dict)

    def product(self, product_id: str) -> Product:
        """Return a product."""
        product = self.products.get(product_id)
        if product is None:
            raise errors.not_found("product", product_id)
        return product

    def by_id(self) -> list[Product]:
        """Return all products in the order of their ids."""
        return [product for _, product in sorted(self.products.items())]

    def next_order_id(self) -> str:
        """Return the id of the next order."""
        return f"order-{len(self.orders) + 1}"


class Store:
    """All shops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shops: dict[str, Shop] = {}

    @contextmanager
    def opened(self, name: str) -> Iterator[Shop]:
        """Lend a shop for reading and writing. What is written to a shop without a name is lost."""
        with self._lock:
            yield self._shops.setdefault(name, Shop()) if name else Shop()


def category(category_id: str, depth: int | None) -> Category:
    """Return a category of the catalogue, or the root, with at most `depth` levels below it."""
    waiting = [_CATALOGUE.root]
    while waiting:
        found = waiting.pop()
        if category_id in {"", found.id}:
            return found if depth is None else _pruned(found, depth)
        waiting.extend(found.children)
    raise errors.not_found("category", category_id)


def _pruned(found: Category, depth: int) -> Category:
    """Return a category with this number of levels below it."""
    children = [_pruned(child, depth - 1) for child in found.children] if depth else []
    return Category(id=found.id, display_name=found.display_name, children=children)
