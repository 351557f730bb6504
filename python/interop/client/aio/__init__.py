"""The calls of an agent on asyncio."""
