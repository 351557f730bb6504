"""Behaviour that tests request through the metadata of a call; enabled only by --test-behaviour.

docs/peers.md lists the directives. Interceptors follow them, so that the servicers contain only the
code of a normal server.
"""
