"""Faults in the bytes of Echo's responses, which are not visible through the API of protobuf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.registry import Declare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.registry import Message

# The wire types.
_VARINT, _I64, _LEN, _START_GROUP, _END_GROUP, _I32 = range(6)


@Declare("Echo", "unknown").response
def unknown_fields_dropped(response: Message) -> bytes:
    """Drop the fields that the type of the response does not have."""
    known = response.DESCRIPTOR.fields_by_number
    fields = _fields(response.SerializeToString())
    return b"".join(field for number, field in fields if number in known)


@Declare("Echo", "nested, unknown").response
def nested_unknown_fields_dropped(response: Message) -> None:
    """Drop the fields that the type of a message in the response does not have."""
    if response.HasField("nested"):
        response.nested.DiscardUnknownFields()


@Declare("Echo", "singular_bool").response
def default_sent(response: Message) -> bytes | None:
    """Send `false` although the field has no presence. Only the encoding differs."""
    if response.singular_bool:
        return None
    number = response.DESCRIPTOR.fields_by_name["singular_bool"].number
    encoded: bytes = response.SerializeToString()
    return encoded + _varint(number << 3 | _VARINT) + _varint(0)


@Declare("Echo", "repeated_fixed32").response
def packed_list_unpacked(response: Message) -> bytes:
    """Send each element of a list as a field of its own. Only the encoding differs."""
    number = response.DESCRIPTOR.fields_by_name["repeated_fixed32"].number
    key = _varint(number << 3 | _I32)
    elements = (key + value.to_bytes(4, "little") for value in response.repeated_fixed32)
    fields = _fields(response.SerializeToString())
    others = b"".join(field for other, field in fields if other != number)
    return others + b"".join(elements)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each field."""
    at = 0
    while at < len(message):
        start = at
        number, at = _skipped(message, at)
        yield number, message[start:at]


def _skipped(message: bytes, at: int) -> tuple[int, int]:
    """Return the number of the field at this place, or 0 at the end of a group, and its end."""
    key, at = _read_varint(message, at)
    number, wire_type = key >> 3, key & 7
    if wire_type == _VARINT:
        _, at = _read_varint(message, at)
    elif wire_type == _LEN:
        length, at = _read_varint(message, at)
        at += length
    elif wire_type == _START_GROUP:
        inner = -1
        while inner:
            inner, at = _skipped(message, at)
    elif wire_type == _END_GROUP:
        number = 0
    else:
        at += 8 if wire_type == _I64 else 4
    return number, at


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while message[at] & 0x80:
        number |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
    return number | message[at] << shift, at + 1


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - what seven bits hold
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
