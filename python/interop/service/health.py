"""Health checking of both calculators, on threads and on asyncio.

grpcio-health-checking 1.85.1 has the messages of List, the newest method of the protocol, but does
not implement the method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest

from interop.service.reflection import CALCULATORS

if TYPE_CHECKING:
    import grpc
    from google.protobuf.message import Message

    from interop.grpc_types import AioContext

_SERVING = health_pb2.HealthCheckResponse.SERVING
# By its name, because the type stubs do not have it yet. Older packages do not have it at all, and
# do not serve List.
_LIST_RESPONSE: Any = vars(health_pb2).get("HealthListResponse")
# The empty name stands for the server as a whole.
_SERVICES = ("", *CALCULATORS)


class HealthServicer(health.HealthServicer):
    """Reports every service as SERVING."""

    def __init__(self) -> None:
        # The non-blocking mode can deadlock the server: it holds a lock while it waits until a
        # response has been sent, and the thread that reports this may wait for the same lock to end
        # another Watch.
        super().__init__(experimental_non_blocking=False)
        for service in _SERVICES:
            self.set(service, _SERVING)

    def List(
        self,
        request: Message,  # noqa: ARG002 - grpcio passes it by position
        context: grpc.ServicerContext,
    ) -> Message:
        """Return the status that Check returns for each service."""
        response: Message = _LIST_RESPONSE(
            statuses={
                service: self.Check(HealthCheckRequest(service=service), context)
                for service in _SERVICES
            }
        )
        return response


class AioHealthServicer(health.aio.HealthServicer):
    """Adds List to the servicer on asyncio."""

    async def List(
        self,
        request: Message,  # noqa: ARG002 - grpcio passes it by position
        context: AioContext,
    ) -> Message:
        """Return the status that Check returns for each service."""
        response: Message = _LIST_RESPONSE(
            statuses={
                service: await self.Check(HealthCheckRequest(service=service), context)
                for service in _SERVICES
            }
        )
        return response


def add_to(server: grpc.Server) -> None:
    """Serve health checking on threads."""
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), server)


async def add_to_aio(server: grpc.aio.Server) -> None:
    """Serve health checking on asyncio."""
    servicer = AioHealthServicer()
    for service in _SERVICES:
        await servicer.set(service, _SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
