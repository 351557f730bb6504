"""The Python peers of the interop tool: servers and client agents, on threads and on asyncio.

The tutorial's programs use a fixed port and print text for people. The tool needs servers on any
port and outcomes that it can compare.
"""
