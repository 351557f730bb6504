"""What the reference server is made of, a line each: its answers depend on these.

The goldens carry the lines, so that a difference can be told from a change of version.
"""

from __future__ import annotations

import platform
from importlib import metadata

from google.protobuf.internal import api_implementation

# Where protobuf has a wheel for the platform.
_USUAL_IMPLEMENTATION = "upb"


def main() -> None:
    """Print the versions."""
    print(platform.python_implementation(), platform.python_version())
    print("grpcio", metadata.version("grpcio"))
    implementation = api_implementation.Type()
    other = "" if implementation == _USUAL_IMPLEMENTATION else f" ({implementation})"
    print(f"protobuf {metadata.version('protobuf')}{other}")


if __name__ == "__main__":
    main()
