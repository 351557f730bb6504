"""Serves shop.v1.Shop, health checking and reflection.

`server.py PORT` listens at 127.0.0.1. Port 0 is any free port. It prints the port when it is ready.
"""

# It is a script.
# ruff: noqa: INP001

from __future__ import annotations

import argparse
import signal
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

import shop_service  # noqa: F401 - before shop.v1, which it makes importable
from shop.v1 import shop_pb2, shop_pb2_grpc
from shop_service.servicer import ShopServicer

_WORKERS = 10
_SHOP = shop_pb2.DESCRIPTOR.services_by_name["Shop"].full_name


def create_server() -> grpc.Server:
    """Return a server with all services."""
    # Without SO_REUSEPORT, so that a port which is in use is an error.
    server = grpc.server(ThreadPoolExecutor(_WORKERS), options=[("grpc.so_reuseport", 0)])
    shop_pb2_grpc.add_ShopServicer_to_server(ShopServicer(), server)
    checks = health.HealthServicer()
    for service in ("", _SHOP):
        checks.set(service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    services = (_SHOP, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(services, server)
    return server


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="A shop")
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    # Blocked before grpcio starts threads, which inherit this. sigwait below takes the signal.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    server = create_server()
    port = server.add_insecure_port(f"127.0.0.1:{arguments.port}")
    server.start()
    print(f"serving on port {port}", flush=True)
    signal.sigwait(ends)
    server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
