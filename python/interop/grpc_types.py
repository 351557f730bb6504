"""grpcio's types that have no name of their own.

Its annotations come from its stubs alone, where a context is generic. At run time it is not, so
these are strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from typing import Any

    import grpc

# A value is bytes where the key ends in -bin.
Metadatum: TypeAlias = "tuple[str, str | bytes]"
Metadata: TypeAlias = "tuple[Metadatum, ...]"
# Of any method: what reads and writes the messages of one knows their types already.
AioContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
