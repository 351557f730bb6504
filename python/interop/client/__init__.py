"""The client agents: what they are asked, and how they do it on threads and on asyncio.

A line means the same to both, so it is read, and its outcome is told, in one place.
"""
