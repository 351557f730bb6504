"""The Python side of the interop harness: servers and client agents, on threads and on asyncio.

They stand beside the document's programs because those are tied to one port and print for
people; a harness needs ports that do not collide and outcomes that it can compare.
"""
