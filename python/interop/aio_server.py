"""The server for tests on asyncio, with the same behaviour as the one on threads.

grpcio has two servers, which share little code above its core. Python services use either, so each
is tested with every client.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import grpc

import calculator_pb2_grpc
import streaming_calculator_pb2_grpc
from interop import parent_watch, server_options
from interop.service import health, reflection
from interop.service.aio import CalculatorServicer, StreamingCalculatorServicer
from interop.service.aio_parse_errors import ParseErrors
from interop.test_directives.aio import TestDirectives

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def _server(options: server_options.ServerOptions) -> grpc.aio.Server:
    server = grpc.aio.server(
        interceptors=[*([TestDirectives()] if options.test_behaviour else []), ParseErrors()],
        options=options.channel_arguments(),
    )
    calculator_pb2_grpc.add_CalculatorServicer_to_server(CalculatorServicer(), server)
    streaming_calculator_pb2_grpc.add_StreamingCalculatorServicer_to_server(
        StreamingCalculatorServicer(), server
    )
    if options.health:
        await health.add_to_aio(server)
    if options.reflection:
        reflection.add_to(server)
    return server


def _reason(terminated: asyncio.Future[bool]) -> str:
    if terminated.cancelled():
        return "its task was cancelled"
    error = terminated.exception()
    return "it raised no exception" if error is None else f"{type(error).__name__}: {error}"


async def _serve(options: server_options.ServerOptions) -> int:
    has_stop_signal = asyncio.Event()
    for each in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, has_stop_signal.set)
    server = await _server(options)
    try:
        address = options.bind(server)
    except server_options.CannotListenError as error:
        print(f"interop.aio_server: {error}", file=sys.stderr)
        return 1
    await server.start()
    print(f"Listening on {address}", flush=True)
    if options.until_stdin_closes:
        parent_watch.when_stdin_closes(lambda: os.kill(os.getpid(), signal.SIGTERM))
    stopping = asyncio.ensure_future(has_stop_signal.wait())
    # A path that is not UTF-8 makes grpcio stop serving (1.85.1).
    terminated = asyncio.ensure_future(server.wait_for_termination())
    await asyncio.wait({stopping, terminated}, return_when=asyncio.FIRST_COMPLETED)
    if terminated.done():
        stopping.cancel()
        print(f"interop.aio_server: grpcio stopped: {_reason(terminated)}", file=sys.stderr)
        return 1
    await server.stop(grace=None)
    # Not cancelled: grpcio would treat the cancellation as the end of the shutdown.
    await asyncio.wait({terminated})
    return 0


def main() -> int:
    """Serve until a signal arrives or, with --until-stdin-closes, until stdin closes."""
    return asyncio.run(_serve(server_options.read("interop.aio_server")))


if __name__ == "__main__":
    sys.exit(main())
