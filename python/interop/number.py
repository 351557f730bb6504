"""Moves the bits of a float32 into and out of a Number.

A Python float is a double, and the conversion quiets a signalling NaN, so the bits go by way of
the wire format instead.
"""

from __future__ import annotations

from calculator_pb2 import Number

# Field 1 with wire type 5; the four bytes that follow are in little-endian order, and are left out
# when they are all zero.
_VALUE_TAG = b"\x0d"
_POSITIVE_ZERO = bytes(4)


def from_bits(bits: bytes) -> Number:
    """Make the Number whose value has these big-endian bits."""
    return Number.FromString(_VALUE_TAG + bits[::-1])


def to_bits(number: Number) -> bytes:
    """Tell the big-endian bits of the value."""
    number.DiscardUnknownFields()
    wire = number.SerializeToString()
    return wire[len(_VALUE_TAG) :][::-1] or _POSITIVE_ZERO
