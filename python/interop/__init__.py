"""The Python side of the interop tool: servers and client agents, on threads and on asyncio.

The tutorial's programs are tied to one port and print text for people. The tool needs ports that
do not collide and outcomes that it can compare.
"""
