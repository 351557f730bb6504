"""Recognises calls whose outcome grpcio has lost.

With 1.68.1 a call on asyncio that ends before its requests are sent now and then raises an error of
asyncio's own instead of telling its status, so there is nothing to report of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from interop.client import release

if TYPE_CHECKING:
    from interop.client.outcome import Outcome

# Not seen from here on, where such an error is an outcome like any other.
_MENDED = (1, 85)
_ERROR = {"status": "CLIENT_ERROR", "message": "invalid state"}


def reason(outcomes: list[Outcome]) -> str | None:
    """Tell why these outcomes are not what the calls came to, if they are not."""
    is_lost = any(_ERROR.items() <= told.items() for told in outcomes)
    if not is_lost or not release.is_before(*_MENDED):
        return None
    return f"grpcio {grpc.__version__} has lost the status of a call on asyncio"
