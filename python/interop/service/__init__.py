"""The services: both calculators, health checking and reflection, on threads and on asyncio.

`arithmetic` computes the responses; `threads` and `aio` adapt it to each API of grpcio.
"""
