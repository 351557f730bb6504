"""The calculators' server for tests, on asyncio: the same to its clients as the one on threads.

grpcio has two servers that share little code above the core, so programs that serve Python users
are of both kinds, and each has to get along with every client.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import grpc

import calculator_pb2_grpc
import streaming_calculator_pb2_grpc
from interop import lifeline, listening
from interop.behaviour.aio import TestBehaviour
from interop.service import health, reflection
from interop.service.aio import CalculatorServicer, StreamingCalculatorServicer
from interop.service.aio_unreadable import UnreadableRequests

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def _server(asked: listening.Listening) -> grpc.aio.Server:
    server = grpc.aio.server(
        interceptors=[*([TestBehaviour()] if asked.test_behaviour else []), UnreadableRequests()],
        options=asked.options(),
    )
    calculator_pb2_grpc.add_CalculatorServicer_to_server(CalculatorServicer(), server)
    streaming_calculator_pb2_grpc.add_StreamingCalculatorServicer_to_server(
        StreamingCalculatorServicer(), server
    )
    if asked.health:
        await health.add_to_aio(server)
    if asked.reflection:
        reflection.add_to(server)
    return server


def _reason(terminated: asyncio.Future[bool]) -> str:
    if terminated.cancelled():
        return "its task was cancelled"
    error = terminated.exception()
    return "it gave no reason" if error is None else f"{type(error).__name__}: {error}"


async def _serve(asked: listening.Listening) -> int:
    is_told_to_stop = asyncio.Event()
    for each in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, is_told_to_stop.set)
    server = await _server(asked)
    try:
        address = asked.bind(server)
    except listening.CannotListenError as error:
        print(f"interop.aio_server: {error}", file=sys.stderr)
        return 1
    await server.start()
    print(f"Listening on {address}", flush=True)
    if asked.until_stdin_closes:
        lifeline.when_stdin_closes(lambda: os.kill(os.getpid(), signal.SIGTERM))
    told = asyncio.ensure_future(is_told_to_stop.wait())
    # A path that is no UTF-8 is enough for grpcio to stop serving (1.85.1).
    terminated = asyncio.ensure_future(server.wait_for_termination())
    await asyncio.wait({told, terminated}, return_when=asyncio.FIRST_COMPLETED)
    if terminated.done():
        told.cancel()
        print(f"interop.aio_server: grpcio stopped: {_reason(terminated)}", file=sys.stderr)
        return 1
    await server.stop(grace=None)
    # Not cancelled instead: grpcio would take that for the end of stopping.
    await asyncio.wait({terminated})
    return 0


def main() -> int:
    """Serve until a signal arrives or, if asked to, until stdin closes."""
    return asyncio.run(_serve(listening.read("interop.aio_server")))


if __name__ == "__main__":
    sys.exit(main())
