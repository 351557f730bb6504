"""Converts between a Number and the bits of its float32.

A Python float is a double, and the conversion makes a signalling NaN quiet, so the bits are read
and written in protobuf's encoding.
"""

from __future__ import annotations

from calculator_pb2 import Number

# Field 1 with wire type 5. Four bytes in little-endian order follow. The field is not written if
# the value is positive zero.
_VALUE_TAG = b"\x0d"
_POSITIVE_ZERO = bytes(4)


def from_bits(bits: bytes) -> Number:
    """Return the Number whose value has these big-endian bits."""
    return Number.FromString(_VALUE_TAG + bits[::-1])


def to_bits(number: Number) -> bytes:
    """Return the big-endian bits of the value."""
    number.DiscardUnknownFields()
    wire = number.SerializeToString()
    return wire[len(_VALUE_TAG) :][::-1] or _POSITIVE_ZERO
