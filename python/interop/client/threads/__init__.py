"""Channels and calls on threads."""
