"""Statuses of failed calls, with details for programs.

The message repeats the most important detail, because most clients show only the message.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NoReturn, TypeVar

import grpc
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    LocalizedMessage,
    PreconditionFailure,
    QuotaFailure,
    ResourceInfo,
)
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from shop_service import call_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from google.protobuf.message import Message

_DOMAIN = "shop.example"
_LOCALIZED = {"de": "Die Anfrage ist fehlgeschlagen.", "fr": "La requête a échoué."}

_Servicer = TypeVar("_Servicer")
_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class ShopError(Exception):
    """A call fails with this code and these details."""

    def __init__(self, code: grpc.StatusCode, message: str, *details: Message) -> None:
        super().__init__(message)
        self._code = code
        self._details = details

    def abort(self, context: grpc.ServicerContext) -> NoReturn:
        """End a call with this error."""
        status = Status(code=self._code.value[0], message=str(self))
        for detail in self._details:
            status.details.add().Pack(detail)
        locale = call_metadata.locale(context)
        if locale != call_metadata.DEFAULT_LOCALE:
            localized = LocalizedMessage(locale=locale, message=_LOCALIZED[locale])
            status.details.add().Pack(localized)
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError  # abort_with_status does not return


def reports_errors(
    method: Callable[[_Servicer, _Request, grpc.ServicerContext], _Response],
) -> Callable[[_Servicer, _Request, grpc.ServicerContext], _Response]:
    """Let a method with one response raise ShopError."""

    @functools.wraps(method)
    def reporting(self: _Servicer, request: _Request, context: grpc.ServicerContext) -> _Response:
        try:
            return method(self, request, context)
        except ShopError as error:
            error.abort(context)

    return reporting


def reports_stream_errors(
    method: Callable[[_Servicer, _Request, grpc.ServicerContext], Iterator[_Response]],
) -> Callable[[_Servicer, _Request, grpc.ServicerContext], Iterator[_Response]]:
    """Let a method with a stream of responses raise ShopError."""

    @functools.wraps(method)
    def reporting(
        self: _Servicer, request: _Request, context: grpc.ServicerContext
    ) -> Iterator[_Response]:
        try:
            yield from method(self, request, context)
        except ShopError as error:
            error.abort(context)

    return reporting


def invalid_request(violations: Sequence[tuple[str, str]]) -> ShopError:
    """Fields of a request are invalid: pairs of a field and what is wrong with it."""
    message = "; ".join(f"{field} {description}" for field, description in violations)
    detail = BadRequest(
        field_violations=[
            BadRequest.FieldViolation(field=field, description=description)
            for field, description in violations
        ]
    )
    return ShopError(grpc.StatusCode.INVALID_ARGUMENT, message, detail)


def not_found(kind: str, name: str) -> ShopError:
    """There is no resource of a kind with this name."""
    resource = ResourceInfo(resource_type=kind, resource_name=name)
    return ShopError(grpc.StatusCode.NOT_FOUND, f"there is no {kind} {name}", resource)


def already_exists(kind: str, name: str) -> ShopError:
    """There is a resource of a kind with this name already."""
    resource = ResourceInfo(
        resource_type=kind, resource_name=name, description="update it or delete it first"
    )
    return ShopError(grpc.StatusCode.ALREADY_EXISTS, f"the {kind} {name} exists", resource)


def revision_mismatch(name: str, expected: int, stored: int) -> ShopError:
    """Return the error for a product that was changed after the client had read it."""
    metadata = {"expected": str(expected), "stored": str(stored)}
    info = ErrorInfo(reason="REVISION_MISMATCH", domain=_DOMAIN, metadata=metadata)
    resource = ResourceInfo(resource_type="product", resource_name=name)
    message = f"the revision of {name} is {stored}, not {expected}"
    return ShopError(grpc.StatusCode.ABORTED, message, info, resource)


def cannot_order(violations: Sequence[tuple[str, str, str]]) -> ShopError:
    """Products cannot be ordered: the type of a condition, the product, and what is wrong."""
    failure = PreconditionFailure(
        violations=[
            PreconditionFailure.Violation(type=kind, subject=product, description=description)
            for kind, product, description in violations
        ]
    )
    message = "; ".join(f"{product} {description}" for _, product, description in violations)
    return ShopError(grpc.StatusCode.FAILED_PRECONDITION, message, failure)


def total_too_large() -> ShopError:
    """Money cannot express the total of an order."""
    info = ErrorInfo(reason="TOTAL_TOO_LARGE", domain=_DOMAIN)
    return ShopError(grpc.StatusCode.OUT_OF_RANGE, "the total is too large", info)


def too_many_results(limit: int, found: int) -> ShopError:
    """There are more results than the client wants."""
    violation = QuotaFailure.Violation(subject="limit", description=f"{found} were found")
    message = f"there are more than {limit} results"
    failure = QuotaFailure(violations=[violation])
    return ShopError(grpc.StatusCode.RESOURCE_EXHAUSTED, message, failure)
