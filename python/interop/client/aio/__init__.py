"""Channels and calls on asyncio."""
