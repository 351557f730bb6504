"""What the servers serve: the two calculators, health and reflection, for threads and for asyncio.

What is computed stands here once; the modules `threads` and `aio` only say how each API is told.
"""
