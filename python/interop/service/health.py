"""Health checking of both calculators, for threads and for asyncio.

grpcio-health-checking 1.85.1 has the messages of List, the newest method of the protocol, but does
not answer it.
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
# What describes the package's types does not know it yet. Older packages do not have it, and do not
# serve List.
_LIST_RESPONSE: Any = vars(health_pb2).get("HealthListResponse")
# The empty name stands for the server as a whole.
_SERVICES = ("", *CALCULATORS)


class HealthServicer(health.HealthServicer):
    """Says that everything is served."""

    def __init__(self) -> None:
        # Otherwise it holds a lock while it waits to be told that an answer was sent, by the thread
        # that waits for the lock to end another Watch, and the whole server stands still.
        super().__init__(experimental_non_blocking=False)
        for service in _SERVICES:
            self.set(service, _SERVING)

    def List(
        self,
        request: Message,  # noqa: ARG002 - grpcio passes it by position
        context: grpc.ServicerContext,
    ) -> Message:
        """Answer what Check answers of each service."""
        response: Message = _LIST_RESPONSE(
            statuses={
                service: self.Check(HealthCheckRequest(service=service), context)
                for service in _SERVICES
            }
        )
        return response


class AioHealthServicer(health.aio.HealthServicer):
    """The same on asyncio."""

    async def List(
        self,
        request: Message,  # noqa: ARG002 - grpcio passes it by position
        context: AioContext,
    ) -> Message:
        """Answer what Check answers of each service."""
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
