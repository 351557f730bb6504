"""The client agent on grpcio's threads: a scenario a line from stdin, its outcome a line to stdout.

One agent serves many scenarios, because starting Python and importing grpcio takes longer than
all the calls of most of them. It reports and never judges.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import Any

from interop import lifeline
from interop.client import scenario
from interop.client.fields import NotSupportedError
from interop.client.threads import call
from interop.client.threads.channels import ChannelPool


def _answer(line: object, pool: ChannelPool) -> dict[str, Any]:
    try:
        asked = scenario.read(line)
        with pool.lend(asked) as channels:
            started = [
                call.start(each, channels[index % len(channels)])
                for index, each in enumerate(asked.calls)
            ]
            return {"calls": [finish() for finish in started]}
    except NotSupportedError as reason:
        return {"not_supported": str(reason)}


def main() -> int:
    """Answer every line of stdin."""
    argparse.ArgumentParser(prog="interop.agent", description=__doc__).parse_args()
    # Ctrl-C reaches the whole process group; a traceback from here would only hide the report.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    lifeline.exit_when_stdout_breaks()
    pool = ChannelPool()
    for line in sys.stdin.buffer:
        try:
            decoded = json.loads(line)
        except ValueError as error:
            print(f"interop.agent: a line is not JSON: {error}", file=sys.stderr)
            return 2
        print(json.dumps(_answer(decoded, pool), separators=(",", ":")), flush=True)
    pool.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
