"""An import of many products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop.v1 import shop_pb2
from shop_service.validation import Violations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shop.v1.product_pb2 import Product
    from shop.v1.shop_pb2 import ImportOptions, ImportProductsRequest


class ProductImport:
    """Collects the products that a client sends to a shop."""

    def __init__(self, shop: str, existing: Mapping[str, Product]) -> None:
        self.shop = shop
        self.accepted: dict[str, Product] = {}
        self.summary = shop_pb2.ImportProductsResponse()
        self._existing = existing
        self._options: ImportOptions = shop_pb2.ImportOptions()

    def add(self, index: int, request: ImportProductsRequest) -> None:
        """Process a request."""
        match request.WhichOneof("item"):
            case "product":
                self._add_product(index, request.product)
            case "options":
                self._options = request.options
            case None:
                self._reject(index, "", "there is no item")

    def _add_product(self, index: int, product: Product) -> None:
        violations = Violations()
        violations.check_product("product", product, needs_id=bool(self.shop))
        if violations:
            self._reject(index, product.id, str(violations))
            return
        earlier = self.accepted.get(product.id) or self._existing.get(product.id)
        if earlier is not None and not self._options.replace:
            self._reject(index, product.id, "the product exists")
            return
        if earlier is None:
            self.summary.created += 1
        else:
            self.summary.replaced += 1
        product.revision = 1 if earlier is None else earlier.revision + 1
        for key, value in self._options.labels.items():
            product.labels[key] = value
        self.accepted[product.id] = product
        self.summary.states[product.id] = product.state
        self.summary.last.CopyFrom(product)
        balance = self.summary.balance + product.balance
        self.summary.balance = (balance + (1 << 63)) % (1 << 64) - (1 << 63)

    def _reject(self, index: int, product_id: str, reason: str) -> None:
        self.summary.rejections.add(index=index, product_id=product_id, reason=reason)
