"""Reflection, v1alpha and v1.

grpcio-reflection 1.85.1 has only v1alpha. The messages of v1 have the same fields under another
package name, so one servicer serves both paths, and only the descriptors of v1 have to be created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection, reflection_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

CALCULATORS = ("Calculator", "StreamingCalculator")

_ALPHA_PACKAGE, _PACKAGE = "grpc.reflection.v1alpha", "grpc.reflection.v1"
_SERVICE = f"{_PACKAGE}.ServerReflection"
_METHOD = "ServerReflectionInfo"


def add_to(server: grpc.Server | grpc.aio.Server) -> None:
    """Serve reflection of everything that the servers of this project serve."""
    _describe()
    services = (*CALCULATORS, health.SERVICE_NAME, reflection.SERVICE_NAME, _SERVICE)
    reflection.enable_server_reflection(services, server)
    servicer: reflection.ReflectionServicer | reflection.aio.ReflectionServicer
    if isinstance(server, grpc.aio.Server):
        servicer = reflection.aio.ReflectionServicer(services)
    else:
        servicer = reflection.ReflectionServicer(services)
    behaviour: Callable[..., Any] = servicer.ServerReflectionInfo
    handler = grpc.stream_stream_rpc_method_handler(
        behaviour,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler})]
    )


def _describe() -> None:
    file = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name = "grpc/reflection/v1/reflection.proto"
    file.package = _PACKAGE
    for message in file.message_type:
        for field in filter(lambda field: field.type_name, message.field):
            field.type_name = field.type_name.replace(_ALPHA_PACKAGE, _PACKAGE)
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(_ALPHA_PACKAGE, _PACKAGE)
            method.output_type = method.output_type.replace(_ALPHA_PACKAGE, _PACKAGE)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
