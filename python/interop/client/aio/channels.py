"""Owns the agent's channels: opens them for a scenario and keeps them for the next if asked to."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import grpc

from interop.client.connection import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interop.client.scenario import Connections, Scenario


class ChannelPool:
    """The channels that outlive the scenario they were opened for."""

    def __init__(self) -> None:
        self._kept: dict[Connections, list[grpc.aio.Channel]] = {}

    @contextlib.asynccontextmanager
    async def lend(self, scenario: Scenario) -> AsyncIterator[list[grpc.aio.Channel]]:
        """Lend the channels that a scenario asks for."""
        asked = scenario.connections
        channels = self._kept.pop(asked, None) or connect(
            asked, grpc.aio.insecure_channel, grpc.aio.secure_channel
        )
        try:
            yield channels
        finally:
            if scenario.keep_channels:
                self._kept[asked] = channels
            else:
                await _close(channels)

    async def close(self) -> None:
        """Close what was kept."""
        for channels in self._kept.values():
            await _close(channels)
        self._kept.clear()


async def _close(channels: list[grpc.aio.Channel]) -> None:
    for channel in channels:
        await channel.close()
