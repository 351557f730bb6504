"""How an observed unary-request call ends whose request never arrives.

Such a call begins before its request has arrived, so this code reports the missing request in place
of grpcio, with the same message on threads and on asyncio.
"""

from __future__ import annotations

# To a method, a cancellation can look like the end of the requests: grpcio reports both as separate
# events, in this order, shortly after each other.
SETTLE_SECONDS = 0.05

MESSAGE = "the method requires exactly one request message"
