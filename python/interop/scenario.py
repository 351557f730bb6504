"""Reads a scenario: the line in which the harness says what to call.

Anything that is not known here is refused by name. An agent that skipped a key would report a
pass for something that it never did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from interop import number

if TYPE_CHECKING:
    from calculator_pb2 import Number

STUB_METHOD = "/Calculator/SquareRoot"

_FLOAT32_BYTES = 4
_PAIR = 2
_T = TypeVar("_T")


class NotSupportedError(Exception):
    """A scenario asks for something that this agent does not know."""


@dataclass(frozen=True)
class Call:
    """One call; a Number goes through the generated stub, bytes go out as they are."""

    method: str
    request: Number | bytes
    timeout: float | None
    metadata: tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True)
class Scenario:
    """The calls of one line and the connections that they share."""

    address: str
    channels: int
    keep_channels: bool
    calls: tuple[Call, ...]


def read(line: object) -> Scenario:
    """Read the decoded JSON of one line."""
    where = "the scenario"
    fields = _fields(line, where, {"address", "channels", "keep_channels", "calls"})
    channels = _typed(fields, "channels", int, where)
    if channels < 1:
        raise NotSupportedError(f'"channels" of {where} is less than 1')
    return Scenario(
        address=_typed(fields, "address", str, where),
        channels=channels,
        keep_channels=_typed(fields, "keep_channels", bool, where),
        calls=tuple(
            _call(call, f"calls[{index}]")
            for index, call in enumerate(_typed(fields, "calls", list, where))
        ),
    )


def _call(line: object, where: str) -> Call:
    fields = _fields(line, where, {"method"}, {"value", "message", "timeout_ms", "metadata"})
    fields.setdefault("metadata", [])
    method = _typed(fields, "method", str, where)
    return Call(
        method=method,
        request=_request(fields, method, where),
        timeout=_timeout(fields, where),
        metadata=tuple(
            _metadatum(pair, f"{where}.metadata[{index}]")
            for index, pair in enumerate(_typed(fields, "metadata", list, where))
        ),
    )


def _request(fields: dict[str, Any], method: str, where: str) -> Number | bytes:
    if ("value" in fields) == ("message" in fields):
        raise NotSupportedError(f'{where} needs exactly one of "value" and "message"')
    if "message" in fields:
        return _hex(fields["message"], f"{where}.message")
    if method != STUB_METHOD:
        raise NotSupportedError(f'{where} has a "value", but the stub has no method {method}')
    bits = _hex(fields["value"], f"{where}.value")
    if len(bits) != _FLOAT32_BYTES:
        raise NotSupportedError(f"{where}.value is not the four bytes of a float32")
    return number.from_bits(bits)


def _timeout(fields: dict[str, Any], where: str) -> float | None:
    if "timeout_ms" not in fields:
        return None
    milliseconds = fields["timeout_ms"]
    if type(milliseconds) not in (int, float):
        raise NotSupportedError(f'"timeout_ms" of {where} is not a number')
    return float(milliseconds) / 1000


def _metadatum(pair: object, where: str) -> tuple[str, str | bytes]:
    if not isinstance(pair, list) or len(pair) != _PAIR or not all(type(x) is str for x in pair):
        raise NotSupportedError(f"{where} is not a [key, value] of strings")
    key, value = pair
    return key, _hex(value, where) if key.endswith("-bin") else value


def _fields(
    thing: object, where: str, required: set[str], optional: set[str] | None = None
) -> dict[str, Any]:
    if not isinstance(thing, dict):
        raise NotSupportedError(f"{where} is not an object")
    unknown = sorted(thing.keys() - required - (optional or set()))
    if unknown:
        raise NotSupportedError(f'{where} has the unknown key "{unknown[0]}"')
    # A writer with optional fields may send null for one that is not there.
    fields = {key: value for key, value in thing.items() if value is not None}
    missing = sorted(required - fields.keys())
    if missing:
        raise NotSupportedError(f'{where} lacks the key "{missing[0]}"')
    return fields


def _typed(fields: dict[str, Any], key: str, kind: type[_T], where: str) -> _T:
    value = fields[key]
    # Not isinstance: to it, true is an int.
    if type(value) is not kind:
        raise NotSupportedError(f'"{key}" of {where} is not of type {kind.__name__}')
    return value


def _hex(text: object, where: str) -> bytes:
    try:
        return bytes.fromhex(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise NotSupportedError(f"{where} is not hex digits") from None
