"""The client agents: parse a scenario, make its calls on threads or on asyncio, report the outcome.

Both agents have the same input and output, so parsing and reporting are shared.
"""
