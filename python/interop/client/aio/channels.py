"""The channels of the agent: opened for a scenario, and kept for the next one on request."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc

from interop.client.connection import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interop.client.scenario import Connections, Scenario


class ChannelPool:
    """Opens and closes channels; keeps those that later scenarios may use again."""

    def __init__(self) -> None:
        self._kept: dict[Connections, list[grpc.aio.Channel]] = {}

    @contextlib.asynccontextmanager
    async def lend(self, scenario: Scenario) -> AsyncIterator[list[grpc.aio.Channel]]:
        """Open or reuse the channels of a scenario; close or keep them after it."""
        connections = scenario.connections
        channels = self._kept.pop(connections, None) or connect(
            connections, grpc.aio.insecure_channel, grpc.aio.secure_channel
        )
        try:
            yield channels
        finally:
            if scenario.keep_channels:
                self._kept[connections] = channels
            else:
                await _close(channels)

    async def close(self) -> None:
        """Close the channels that were kept."""
        for channels in self._kept.values():
            await _close(channels)
        self._kept.clear()


async def _close(channels: list[grpc.aio.Channel]) -> None:
    for channel in channels:
        await channel.close()
