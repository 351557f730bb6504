"""The error of a request that makes no sense, and the status that tells a client which field it is.

The message repeats what the details say, because most clients show nothing but the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.any_pb2 import Any
from google.rpc.code_pb2 import INVALID_ARGUMENT
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

if TYPE_CHECKING:
    from interop.grpc_types import Metadata


class InvalidArgumentError(Exception):
    """A request makes no sense; `description` says why, of its field where one is to blame."""

    def __init__(self, description: str, field: str | None = None) -> None:
        super().__init__(description if field is None else f"{field} {description}")
        self._description = description
        self._field = field

    def trailing_metadata(self) -> Metadata:
        """Tell the field, where one is to blame, in a google.rpc.Status with a BadRequest."""
        if self._field is None:
            return ()
        violation = BadRequest.FieldViolation(field=self._field, description=self._description)
        detail = Any()
        detail.Pack(BadRequest(field_violations=[violation]))
        status = Status(code=INVALID_ARGUMENT, message=str(self), details=[detail])
        return tuple(rpc_status.to_status(status).trailing_metadata or ())
