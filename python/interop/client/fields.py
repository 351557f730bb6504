"""Validates the fields of a scenario.

An unknown key is rejected with its name. An agent that ignored a key would report a pass for
something that it never did.
"""

from __future__ import annotations

from typing import Any, TypeVar

_T = TypeVar("_T")


class NotSupportedError(Exception):
    """A scenario requests something that this agent cannot do."""


def fields(
    thing: object, where: str, required: set[str], optional: set[str] | None = None
) -> dict[str, Any]:
    """Validate the keys of an object; return those whose value is not null."""
    if not isinstance(thing, dict):
        raise NotSupportedError(f"{where} is not an object")
    unknown = sorted(thing.keys() - required - (optional or set()))
    if unknown:
        raise NotSupportedError(f'{where} has the unknown key "{unknown[0]}"')
    # A serializer may write null for an optional field that is missing.
    present = {key: value for key, value in thing.items() if value is not None}
    missing = sorted(required - present.keys())
    if missing:
        raise NotSupportedError(f'{where} lacks the key "{missing[0]}"')
    return present


def typed(checked: dict[str, Any], key: str, kind: type[_T], where: str) -> _T:
    """Return a field that has exactly this type."""
    value = checked[key]
    # Not isinstance, which accepts True as an int.
    if type(value) is not kind:
        raise NotSupportedError(f'"{key}" of {where} is not of type {kind.__name__}')
    return value


def one_of(checked: dict[str, Any], key: str, choices: dict[str, _T], where: str) -> _T | None:
    """Return the choice that a field names; None if the field is missing."""
    if key not in checked:
        return None
    chosen = choices.get(typed(checked, key, str, where))
    if chosen is None:
        raise NotSupportedError(f'"{key}" of {where} is none of {", ".join(choices)}')
    return chosen


def seconds(checked: dict[str, Any], key: str, where: str) -> float | None:
    """Return a field of milliseconds in seconds; None if the field is missing."""
    if key not in checked:
        return None
    milliseconds = checked[key]
    if type(milliseconds) not in (int, float):
        raise NotSupportedError(f'"{key}" of {where} is not a number')
    return float(milliseconds) / 1000


def message(value: object, where: str) -> bytes:
    """Return a message, which is bytes if it followed the line, and hex digits otherwise."""
    return value if isinstance(value, bytes) else from_hex(value, where)


def from_hex(text: object, where: str) -> bytes:
    """Decode hex digits."""
    try:
        return bytes.fromhex(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise NotSupportedError(f"{where} is not hex digits") from None
