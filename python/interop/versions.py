"""Prints the versions of Python, grpcio and protobuf, each on a line.

The responses of the reference depend on them. The goldens contain these lines, so that a difference
between versions is not reported as a difference between peers.
"""

from __future__ import annotations

import platform
from importlib import metadata

from google.protobuf.internal import api_implementation

# What protobuf uses if it has a wheel for the platform.
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
