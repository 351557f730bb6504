"""The client agent on asyncio, with the same input and output as the one on threads.

grpcio has two clients, which share little code above its core and report different details of the
same response, so each is tested.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Any

from interop import parent_watch
from interop.client import lines, scenario
from interop.client.aio import call, lost_status
from interop.client.aio.channels import ChannelPool
from interop.client.fields import NotSupportedError


async def _run(line: object, pool: ChannelPool) -> dict[str, Any]:
    try:
        request = scenario.read(line)
        async with pool.lend(request) as channels:
            started = [
                call.start(each, channels[index % len(channels)])
                for index, each in enumerate(request.calls)
            ]
            outcomes = [await each for each in started]
            if reason := lost_status.reason(outcomes):
                return {"not_supported": reason}
            return {"calls": outcomes}
    except NotSupportedError as reason:
        return {"not_supported": str(reason)}


async def _run_all() -> int:
    pool = ChannelPool()
    requests, end = lines.requests(sys.stdin.buffer), object()
    try:
        while (request := await asyncio.to_thread(next, requests, end)) is not end:
            lines.write(await _run(request, pool), sys.stdout.buffer)
    except lines.BadLineError as error:
        print(f"interop.aio_agent: {error}", file=sys.stderr)
        return 2
    await pool.close()
    return 0


def main() -> int:
    """Run the scenario in each line of stdin."""
    argparse.ArgumentParser(prog="interop.aio_agent", description=__doc__).parse_args()
    # Ctrl-C reaches the whole process group; a traceback from here would only hide the report.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent_watch.exit_when_stdout_breaks()
    return asyncio.run(_run_all())


if __name__ == "__main__":
    sys.exit(main())
