"""How an observed call ends whose one request never comes.

It begins before its request, so here is done what grpcio does elsewhere, in words that both APIs
share.
"""

from __future__ import annotations

# To a method a cancellation can look like the end of the requests: grpcio tells both in two events,
# in this order, one right after the other.
SETTLE_SECONDS = 0.05

MESSAGE = "the method requires exactly one request message"
