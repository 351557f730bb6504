"""Runs a program as on a Linux kernel that was built without IPv6.

A network namespace is not enough: `[::]` can still be bound if IPv6 is only disabled. A seccomp
filter makes socket() fail as in such a kernel, which needs no privileges.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

# The AUDIT_ARCH of each machine and its number of the system call socket().
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_LOAD, _SKIP_UNLESS_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _FAIL_WITH = 0x7FFF0000, 0x00050000
# Offsets in struct seccomp_data; both machines are little-endian.
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16


def _filter(arch: int, socket_call: int) -> bytes:
    steps = [
        (_LOAD, 0, _ARCH),
        (_SKIP_UNLESS_EQUAL, 5, arch),
        (_LOAD, 0, _NUMBER),
        (_SKIP_UNLESS_EQUAL, 3, socket_call),
        (_LOAD, 0, _FIRST_ARGUMENT),
        (_SKIP_UNLESS_EQUAL, 1, socket.AF_INET6),
        (_RETURN, 0, _FAIL_WITH | errno.EAFNOSUPPORT),
        (_RETURN, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", code, 0, skip, value) for code, skip, value in steps)


def main() -> None:
    """Install the filter and execute the program that the command line names."""
    if platform.machine() not in _MACHINES:
        sys.exit(f"interop.without_ipv6: needs x86_64 or aarch64, not {platform.machine()}")
    code = _filter(*_MACHINES[platform.machine()])
    instructions = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program
    ):
        reason = os.strerror(ctypes.get_errno())
        sys.exit(f"interop.without_ipv6: cannot install the seccomp filter: {reason}")
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the test names the program


if __name__ == "__main__":
    main()
