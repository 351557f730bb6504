"""The fields of a product that an update changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop.v1.product_pb2 import Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shop_service.validation import Violations

_FIELDS = frozenset(
    {
        "attributes",
        "category",
        "display_name",
        "labels",
        "lead_time",
        "localized_names",
        "minimum_age",
        "price",
        "rating",
        "state",
        "stock",
        "subtitle",
        "tags",
        "weight",
    }
)


def check(paths: Sequence[str], violations: Violations) -> None:
    """Check the paths of a mask."""
    for index, path in enumerate(paths):
        if path not in _FIELDS:
            violations.add(
                f"update_mask.paths[{index}]", "is not a field that an update can change"
            )


def merged(stored: Product, update: Product, paths: Sequence[str]) -> Product:
    """Return a stored product with the fields of an update. Without paths, all fields change."""
    if not paths:
        return _copy(update)
    product = _copy(stored)
    changed = _copy(update)
    for field in changed.DESCRIPTOR.fields:
        if field.name not in paths:
            changed.ClearField(field.name)
    changed.DiscardUnknownFields()
    for path in paths:
        product.ClearField(path)
    product.MergeFrom(changed)
    return product


def _copy(product: Product) -> Product:
    copy = Product()
    copy.CopyFrom(product)
    return copy
