"""Puts a constant load on a calculator server, and counts the outcomes of its calls by phase.

A line on stdin begins a phase. The line is printed again when every caller has received enough
responses in this phase, so that a test that replaces the server waits for calls, not for a fixed
time. At the end of stdin the numbers of calls with each outcome are printed as JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING

import grpc

from calculator_pb2 import Number
from calculator_pb2_grpc import CalculatorStub
from interop import parent_watch
from interop.client.connection import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

_DEADLINE_SECONDS = 10
_PAUSE_SECONDS = 0.002
# Responses that each caller must receive before the line of a phase is printed again.
_ENOUGH_RESPONSES = 50
# The numbers whose squares are sent: every response is exact, and differs from the previous one.
_ROOTS = 4096

_RETRY = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{"service": "Calculator"}],
                "retryPolicy": {
                    "maxAttempts": 5,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    # A server that stops ends the calls that it has begun with CANCELLED.
                    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
                },
            }
        ]
    }
)


class _Phases:
    """The current phase, and the outcomes of the calls of all phases."""

    def __init__(self, callers: int) -> None:
        self._callers = callers
        self._changed = threading.Condition()
        self._current = ""
        self._responses: Counter[tuple[str, int]] = Counter()
        self._outcomes: Counter[tuple[str, str, str, str]] = Counter()
        self._is_over = False

    def begin(self, phase: str) -> None:
        """Start a phase, to which all following calls belong."""
        with self._changed:
            self._current = phase

    def wait_for_responses(self) -> None:
        """Wait until every caller has received enough responses in the current phase."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_responses(self._current))

    def _has_responses(self, phase: str) -> bool:
        callers = range(self._callers)
        return all(self._responses[phase, caller] >= _ENOUGH_RESPONSES for caller in callers)

    def end(self) -> None:
        """Let the callers end after their current call."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def pause(self) -> str | None:
        """Wait before the next call and return its phase; None if no call is to follow."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, timeout=_PAUSE_SECONDS)
            return None if self._is_over else self._current

    def count(self, caller: int, began: str, kind: str, outcome: str) -> None:
        """Count the outcome of a call."""
        with self._changed:
            self._outcomes[began, self._current, kind, outcome] += 1
            if outcome == "OK":
                self._responses[began, caller] += 1
                if self._responses[began, caller] == _ENOUGH_RESPONSES:
                    self._changed.notify_all()

    def report(self) -> list[dict[str, str | int]]:
        """Return the number of calls for each kind, first and last phase, and outcome."""
        return [
            {"began": began, "ended": ended, "kind": kind, "outcome": outcome, "calls": calls}
            for (began, ended, kind, outcome), calls in sorted(self._outcomes.items())
        ]


def _call(channel: grpc.Channel, root: int) -> str:
    try:
        response = CalculatorStub(channel).SquareRoot(
            Number(value=root * root), timeout=_DEADLINE_SECONDS
        )
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"
    return "OK" if response.value == root else f"wrong answer: {response.value} for {root}"


def _caller(
    number: int, kind: str, connect: Callable[[], grpc.Channel], phases: _Phases
) -> threading.Thread:
    def call_repeatedly() -> None:
        channel = connect()
        for root in itertools.cycle(range(1, _ROOTS)):
            began = phases.pause()
            if began is None:
                break
            if kind == "fresh":
                channel.close()
                channel = connect()
            phases.count(number, began, kind, _call(channel, root))
        channel.close()

    return threading.Thread(target=call_repeatedly, name=f"caller {number}", daemon=True)


def main() -> int:
    """Call until stdin ends."""
    parser = argparse.ArgumentParser(prog="interop.load", description=__doc__)
    parser.add_argument(
        "--address", required=True, metavar="HOST:PORT", help="address of the server"
    )
    parser.add_argument(
        "--kept", type=int, default=8, help="number of callers that keep their channel"
    )
    parser.add_argument(
        "--fresh", type=int, default=4, help="number of callers with a new channel for each call"
    )
    parser.add_argument(
        "--retry", action="store_true", help="retry calls that fail with UNAVAILABLE or CANCELLED"
    )
    arguments = parser.parse_args()
    parent_watch.exit_when_stdout_breaks()
    options = [*OPTIONS, *([("grpc.service_config", _RETRY)] if arguments.retry else [])]
    kinds = ["kept"] * arguments.kept + ["fresh"] * arguments.fresh
    phases = _Phases(len(kinds))
    callers = [
        _caller(
            number, kind, lambda: grpc.insecure_channel(arguments.address, options=options), phases
        )
        for number, kind in enumerate(kinds)
    ]
    for line in sys.stdin:
        phases.begin(line.strip())
        for caller in callers:
            if caller.ident is None:
                caller.start()
        phases.wait_for_responses()
        print(line.strip(), flush=True)
    phases.end()
    for caller in callers:
        caller.join()
    print(json.dumps(phases.report(), separators=(",", ":")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
