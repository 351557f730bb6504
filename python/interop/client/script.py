"""Parses the script of a call: the steps that the client runs one after the other.

A script is validated completely before the call begins, so that an invalid step is never reported
as the outcome of the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from google.protobuf.message import DecodeError, Message

from interop.client.fields import NotSupportedError, fields, message, one_of, seconds, typed
from interop.client.kind import KINDS, STUB_METHODS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Send:
    """Send a message: a protobuf message through the stub, bytes unchanged."""

    message: Message | bytes


@dataclass(frozen=True)
class HalfClose:
    """Half-close the call: no more messages follow."""


@dataclass(frozen=True)
class Receive:
    """Wait for this many more responses, or for the end of the call."""

    responses: int


@dataclass(frozen=True)
class Pause:
    """Wait for this many seconds."""

    seconds: float


@dataclass(frozen=True)
class Cancel:
    """Cancel the call; always the last step."""


Step: TypeAlias = "Send | HalfClose | Receive | Pause | Cancel"


@dataclass(frozen=True)
class Script:
    """The steps of a call; with a kind that has one request, the first step sends it."""

    kind: Kind
    is_stub: bool
    steps: tuple[Step, ...]

    def single_request(self) -> Message | bytes:
        """Return the request, for a kind that has one."""
        (first, *_) = self.steps
        if not isinstance(first, Send):
            raise TypeError("the script does not begin with its request")
        return first.message


def read(call: dict[str, Any], method: str, where: str) -> Script:
    """Parse the script of a call whose keys have been validated."""
    kind = one_of(call, "kind", KINDS, where)
    if kind is None or "script" not in call:
        raise NotSupportedError(f'{where} needs both "kind" and "script", or neither')
    is_stub = "stub" in call and typed(call, "stub", bool, where)
    if is_stub and (method not in STUB_METHODS or STUB_METHODS[method].kind is not kind):
        raise NotSupportedError(f"no stub has a method {method} of the kind of {where}")
    steps = tuple(
        _step(step, f"{where}.script[{index}]", STUB_METHODS[method].request if is_stub else None)
        for index, step in enumerate(typed(call, "script", list, where))
    )
    _check(kind, steps, f"{where}.script")
    return Script(kind, is_stub, steps)


def _step(line: object, where: str, request: type[Message] | None) -> Step:
    step = fields(line, where, set(), set(_READERS))
    if len(step) != 1:
        raise NotSupportedError(f"{where} does not have exactly one key")
    (name,) = step
    return _READERS[name](step, where, request)


def _send(step: dict[str, Any], where: str, request: type[Message] | None) -> Send:
    sent = message(step["send"], f"{where}.send")
    if request is None:
        return Send(sent)
    try:
        return Send(request.FromString(sent))
    except DecodeError:
        raise NotSupportedError(f"{where}.send is not a {request.DESCRIPTOR.name}") from None


def _half_close(step: dict[str, Any], where: str, _request: object) -> HalfClose:
    _true(step, "half_close", where)
    return HalfClose()


def _receive(step: dict[str, Any], where: str, _request: object) -> Receive:
    responses = typed(step, "receive", int, where)
    if responses < 0:
        raise NotSupportedError(f'"receive" of {where} is negative')
    return Receive(responses)


def _pause(step: dict[str, Any], where: str, _request: object) -> Pause:
    pause = seconds(step, "pause_ms", where)
    if pause is None or pause < 0:
        raise NotSupportedError(f'"pause_ms" of {where} is negative')
    return Pause(pause)


def _cancel(step: dict[str, Any], where: str, _request: object) -> Cancel:
    _true(step, "cancel", where)
    return Cancel()


_READERS: dict[str, Callable[[dict[str, Any], str, type[Message] | None], Step]] = {
    "send": _send,
    "half_close": _half_close,
    "receive": _receive,
    "pause_ms": _pause,
    "cancel": _cancel,
}


def _true(step: dict[str, Any], key: str, where: str) -> None:
    if not typed(step, key, bool, where):
        raise NotSupportedError(f'"{key}" of {where} is false')


def _check(kind: Kind, steps: tuple[Step, ...], where: str) -> None:
    sends = [index for index, step in enumerate(steps) if isinstance(step, Send)]
    if not kind.has_many_requests and sends != [0]:
        raise NotSupportedError(f"{where} does not begin with its single request")
    if not kind.has_many_responses and any(isinstance(step, Receive) for step in steps):
        raise NotSupportedError(f"{where} receives, but its kind has a single response")
    if any(isinstance(step, Cancel) for step in steps[:-1]):
        raise NotSupportedError(f"{where} has a step after it has cancelled")
    closes = [index for index, step in enumerate(steps) if isinstance(step, HalfClose)]
    if closes and any(index > closes[0] for index in (*sends, *closes)):
        raise NotSupportedError(f"{where} sends or half-closes after it has half-closed")
