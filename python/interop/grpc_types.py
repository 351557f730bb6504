"""Names for types of grpcio's API that have none.

grpcio's annotations are in separate stubs, where a context is generic. At run time it is not, so
these aliases are strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from typing import Any

    import grpc

# A value is bytes where the key ends in -bin.
Metadatum: TypeAlias = "tuple[str, str | bytes]"
Metadata: TypeAlias = "tuple[Metadatum, ...]"
# For any method, because this code does not depend on the types of its messages.
AioContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
