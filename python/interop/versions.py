"""What the reference server is made of, a line each: its answers depend on these.

The goldens carry the lines, so that a difference can be told from a change of version.
"""

from __future__ import annotations

import platform
from importlib import metadata


def main() -> None:
    """Print the versions."""
    print(platform.python_implementation(), platform.python_version())
    for package in ("grpcio", "protobuf"):
        print(package, metadata.version(package))


if __name__ == "__main__":
    main()
