"""Owns the agent's channels: opens them for a scenario and keeps them for the next if asked to.

Channels of one process share their connections unless told otherwise, which would turn a test of
several connections into a test of one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop.scenario import Scenario

OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    # A proxy that the environment names would be asked to reach a server on this machine.
    ("grpc.enable_http_proxy", 0),
]


class ChannelPool:
    """The channels that outlive the scenario they were opened for."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], list[grpc.Channel]] = {}

    @contextlib.contextmanager
    def lend(self, scenario: Scenario) -> Iterator[list[grpc.Channel]]:
        """Lend the channels that a scenario asks for."""
        key = (scenario.address, scenario.channels)
        channels = self._kept.pop(key, None) or [
            grpc.insecure_channel(scenario.address, options=OPTIONS)
            for _ in range(scenario.channels)
        ]
        try:
            yield channels
        finally:
            if scenario.keep_channels:
                self._kept[key] = channels
            else:
                _close(channels)

    def close(self) -> None:
        """Close what was kept."""
        for channels in self._kept.values():
            _close(channels)
        self._kept.clear()


def _close(channels: list[grpc.Channel]) -> None:
    for channel in channels:
        channel.close()
