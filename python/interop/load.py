"""A constant load on a calculator server, told by phases what has become of its calls.

A line on stdin begins a phase and is printed again when every caller has had answers in it, so
that whoever changes servers meanwhile waits for calls and not for time. At the end of stdin the
outcome of every call is counted and printed as JSON.
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
from interop import lifeline
from interop.client.connection import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

_DEADLINE_SECONDS = 10
_PAUSE_SECONDS = 0.002
# Of each caller, before a phase counts as answered.
_ENOUGH_ANSWERS = 50
# The numbers whose squares are asked for, so that every answer is exact and none is like the last.
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
                    # What a server that stops does to the calls that it has begun is CANCELLED.
                    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
                },
            }
        ]
    }
)


class _Phases:
    """The phase that calls begin in, and what has become of them."""

    def __init__(self, callers: int) -> None:
        self._callers = callers
        self._changed = threading.Condition()
        self._current = ""
        self._answers: Counter[tuple[str, int]] = Counter()
        self._outcomes: Counter[tuple[str, str, str, str]] = Counter()
        self._is_over = False

    def begin(self, phase: str) -> None:
        """Let the calls that begin from now on be of this phase."""
        with self._changed:
            self._current = phase

    def wait_for_answers(self) -> None:
        """Wait until every caller has had its answers in the current phase."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_answered(self._current))

    def _is_answered(self, phase: str) -> bool:
        callers = range(self._callers)
        return all(self._answers[phase, caller] >= _ENOUGH_ANSWERS for caller in callers)

    def end(self) -> None:
        """Let the callers go after their current call."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def pause(self) -> str | None:
        """Wait for the next call's turn and tell its phase; None when there is no next call."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, timeout=_PAUSE_SECONDS)
            return None if self._is_over else self._current

    def count(self, caller: int, began: str, kind: str, outcome: str) -> None:
        """Note how a call ended."""
        with self._changed:
            self._outcomes[began, self._current, kind, outcome] += 1
            if outcome == "OK":
                self._answers[began, caller] += 1
                if self._answers[began, caller] == _ENOUGH_ANSWERS:
                    self._changed.notify_all()

    def report(self) -> list[dict[str, str | int]]:
        """Tell how many calls there were of each kind, phases and outcome."""
        return [
            {"began": began, "ended": ended, "kind": kind, "outcome": outcome, "calls": calls}
            for (began, ended, kind, outcome), calls in sorted(self._outcomes.items())
        ]


def _call(channel: grpc.Channel, root: int) -> str:
    try:
        answer = CalculatorStub(channel).SquareRoot(
            Number(value=root * root), timeout=_DEADLINE_SECONDS
        )
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"
    return "OK" if answer.value == root else f"wrong answer: {answer.value} for {root}"


def _caller(
    number: int, kind: str, connect: Callable[[], grpc.Channel], phases: _Phases
) -> threading.Thread:
    def call_over_and_over() -> None:
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

    return threading.Thread(target=call_over_and_over, name=f"caller {number}", daemon=True)


def main() -> int:
    """Call until stdin ends."""
    parser = argparse.ArgumentParser(prog="interop.load", description=__doc__)
    parser.add_argument("--address", required=True, metavar="HOST:PORT")
    parser.add_argument("--kept", type=int, default=8, help="callers with one channel for all")
    parser.add_argument("--fresh", type=int, default=4, help="callers with a channel for each call")
    parser.add_argument(
        "--retry", action="store_true", help="retry what a server that stops lets fail"
    )
    arguments = parser.parse_args()
    lifeline.exit_when_stdout_breaks()
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
        phases.wait_for_answers()
        print(line.strip(), flush=True)
    phases.end()
    for caller in callers:
        caller.join()
    print(json.dumps(phases.report(), separators=(",", ":")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
