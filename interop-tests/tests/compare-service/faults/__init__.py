"""The faults that server.py can have.

- registry: what a fault is, and how one is declared
- fields: faults in the fields of responses
- wire: faults in the bytes of responses, and what they read them with
- calls: faults in statuses, metadata, streams and time
"""

from faults import calls, fields, wire
from faults.registry import FAULTS

__all__ = ["FAULTS", "calls", "fields", "wire"]
