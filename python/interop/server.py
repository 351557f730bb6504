"""The document's Calculator server for tests: any port, one server for each port, a clean end.

The document's server cannot say which port it got, and shares its port silently with a server
that an earlier run left behind.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from concurrent import futures

import grpc

import calculator
import calculator_pb2
import calculator_pb2_grpc
from interop import lifeline

# As many as in the document's server: it bounds how many calls run at the same time.
_WORKERS = 10
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class CalculatorServicer(calculator_pb2_grpc.CalculatorServicer):
    """Answers as the document's servicer does, errors that it leaves to grpcio included."""

    def SquareRoot(
        self,
        request: calculator_pb2.Number,
        context: grpc.ServicerContext,  # noqa: ARG002 - grpcio passes it by position
    ) -> calculator_pb2.Number:
        """Answer the square root of the request's value."""
        response = calculator_pb2.Number()
        response.value = calculator.square_root(request.value)
        return response


def _address(text: str) -> str:
    # Without a port grpcio would listen on 443.
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="interop.server", description="Calculator server")
    parser.add_argument("--address", type=_address, default="127.0.0.1:0", metavar="HOST:PORT")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser.parse_args()


def main() -> int:
    """Serve until a signal arrives or, if asked to, until stdin closes."""
    arguments = _arguments()
    # Blocked before grpcio starts its threads, which inherit the mask: a signal that one of them
    # could take would kill the process instead of reaching sigwait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=_WORKERS),
        options=[("grpc.so_reuseport", 0)],
    )
    calculator_pb2_grpc.add_CalculatorServicer_to_server(CalculatorServicer(), server)
    try:
        port = server.add_insecure_port(arguments.address)
    except RuntimeError as error:
        print(f"interop.server: cannot listen on {arguments.address}: {error}", file=sys.stderr)
        return 1
    server.start()
    host = arguments.address.rpartition(":")[0]
    print(f"Listening on {host}:{port}", flush=True)
    if arguments.until_stdin_closes:
        lifeline.when_stdin_closes(lambda: os.kill(os.getpid(), signal.SIGTERM))
    signal.sigwait(_STOP_SIGNALS)
    server.stop(grace=None).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
