"""What is wrong with a request.

All fields are checked, so that a client can show everything that there is to correct.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from shop_service import errors

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration

    from shop.v1.product_pb2 import Money, Product

_ID = re.compile(r"[a-z0-9-]{1,40}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LAST_DIGITS = re.compile(r"[0-9]{4}")
_NAME_LENGTH = 100
_HIGHEST_RATING = 5
_BILLION = 1_000_000_000


class Violations:
    """The fields of a request that are invalid."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, field: str, description: str) -> None:
        """Add a field, and what is wrong with it."""
        self._found.append((field, description))

    def __str__(self) -> str:
        return "; ".join(f"{field} {description}" for field, description in self._found)

    def __bool__(self) -> bool:
        return bool(self._found)

    def check(self) -> None:
        """Raise an error if there are violations."""
        if self._found:
            raise errors.invalid_request(self._found)

    def check_id(self, field: str, value: str) -> None:
        """Check the id of a product, an order or a shop."""
        if not is_id(value):
            self.add(field, "must have 1 to 40 lower-case letters, digits and hyphens")

    def check_shop(self, name: str) -> None:
        """Check the name of a shop, which may be missing."""
        if name:
            self.check_id("shop", name)

    def check_product(self, field: str, product: Product, *, needs_id: bool) -> None:
        """Check a product that a client sends."""
        if needs_id or product.id:
            self.check_id(f"{field}.id", product.id)
        if len(product.display_name) > _NAME_LENGTH:
            self.add(f"{field}.display_name", f"must have at most {_NAME_LENGTH} characters")
        if product.HasField("price"):
            self.check_money(f"{field}.price", product.price)
        for index, tag in enumerate(product.tags):
            if not tag:
                self.add(f"{field}.tags[{index}]", "must not be empty")
        if not (product.weight >= 0 and math.isfinite(product.weight)):
            self.add(f"{field}.weight", "must be finite and not negative")
        if not 0 <= product.rating <= _HIGHEST_RATING:
            self.add(f"{field}.rating", f"must be from 0 to {_HIGHEST_RATING}")
        if product.HasField("lead_time"):
            self.check_duration(f"{field}.lead_time", product.lead_time)

    def check_money(self, field: str, money: Money) -> None:
        """Check an amount of money."""
        if not _CURRENCY.fullmatch(money.currency_code):
            self.add(f"{field}.currency_code", "must have three capital letters")
        if money.units < 0:
            self.add(f"{field}.units", "must not be negative")
        if not 0 <= money.nanos < _BILLION:
            self.add(f"{field}.nanos", "must be less than one unit and not negative")

    def check_duration(self, field: str, duration: Duration) -> None:
        """Check a duration."""
        if duration.seconds < 0 or not 0 <= duration.nanos < _BILLION:
            self.add(field, "must be a duration that is not negative")

    def check_last_digits(self, field: str, digits: str) -> None:
        """Check the last digits of the number of a card."""
        if not _LAST_DIGITS.fullmatch(digits):
            self.add(field, "must have four digits")


def is_id(value: str) -> bool:
    """Return whether a text can be the id of a product, an order or a shop."""
    return _ID.fullmatch(value) is not None
