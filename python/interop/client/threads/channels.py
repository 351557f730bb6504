"""Owns the agent's channels: opens them for a scenario and keeps them for the next if asked to."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc

from interop.client.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop.client.scenario import Connections, Scenario


class ChannelPool:
    """The channels that outlive the scenario they were opened for."""

    def __init__(self) -> None:
        self._kept: dict[Connections, list[grpc.Channel]] = {}

    @contextlib.contextmanager
    def lend(self, scenario: Scenario) -> Iterator[list[grpc.Channel]]:
        """Lend the channels that a scenario asks for."""
        asked = scenario.connections
        channels = self._kept.pop(asked, None) or connect(
            asked, grpc.insecure_channel, grpc.secure_channel
        )
        try:
            yield channels
        finally:
            if scenario.keep_channels:
                self._kept[asked] = channels
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
