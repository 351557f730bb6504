"""What tests ask a server for with a call's metadata (docs/peers.md); only with --test-behaviour.

It is done in interceptors, so that the servicers stay what a server for people would have.
"""
