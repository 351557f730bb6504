"""Calls SquareRoot without a pause, and prints the number of calls and the CPU time as JSON.

Before the measurement it calls for a third of the time without counting, so that startup is not
measured. The Rust program `rust-caller` does the same with the Rust client, with the same output.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import deque
from typing import TYPE_CHECKING

import grpc

from calculator_pb2 import Number
from calculator_pb2_grpc import CalculatorStub
from interop import parent_watch
from interop.client.connection import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

# The numbers whose squares are sent: every response is exact, and differs from the previous one.
_ROOTS = 4096


def _roots() -> Iterator[int]:
    return itertools.cycle(range(1, _ROOTS + 1))


def _check(response: Number, root: int) -> None:
    if response.value != root:
        sys.exit(f"interop.caller: wrong answer: {response.value} for {root}")


def _call_sequentially(stub: CalculatorStub, end: float) -> int:
    calls = 0
    for root in _roots():
        if time.monotonic() >= end:
            break
        _check(stub.SquareRoot(Number(value=root * root)), root)
        calls += 1
    return calls


def _call_concurrently(stub: CalculatorStub, end: float, in_flight: int) -> int:
    calls = 0
    # Waiting for the oldest call costs less than a callback for each one, and the responses arrive
    # nearly in order.
    waiting: deque[tuple[grpc.Future[Number], int]] = deque()
    for root in _roots():
        if time.monotonic() >= end:
            break
        if len(waiting) == in_flight:
            _check_oldest(waiting)
            calls += 1
        waiting.append((stub.SquareRoot.future(Number(value=root * root)), root))
    while waiting:
        _check_oldest(waiting)
        calls += 1
    return calls


def _check_oldest(waiting: deque[tuple[grpc.Future[Number], int]]) -> None:
    future, root = waiting.popleft()
    _check(future.result(), root)


def _call_for(seconds: float, stub: CalculatorStub, in_flight: int) -> int:
    end = time.monotonic() + seconds
    if in_flight == 1:
        return _call_sequentially(stub, end)
    return _call_concurrently(stub, end, in_flight)


def main() -> int:
    """Call for the requested time, and print the report."""
    parser = argparse.ArgumentParser(prog="interop.caller", description=__doc__)
    parser.add_argument(
        "--address", required=True, metavar="HOST:PORT", help="address of the server"
    )
    parser.add_argument("--in-flight", type=int, required=True, help="number of concurrent calls")
    parser.add_argument("--seconds", type=float, required=True, help="duration of the measurement")
    arguments = parser.parse_args()
    parent_watch.exit_when_stdout_breaks()
    with grpc.insecure_channel(arguments.address, options=OPTIONS) as channel:
        stub = CalculatorStub(channel)
        _call_for(arguments.seconds / 3, stub, arguments.in_flight)
        began, cpu_began = time.monotonic(), time.process_time()
        calls = _call_for(arguments.seconds, stub, arguments.in_flight)
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
    report = {"calls": calls, "seconds": seconds, "cpu_seconds": cpu_seconds}
    print(json.dumps(report, separators=(",", ":")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
