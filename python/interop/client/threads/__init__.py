"""The calls of an agent on grpcio's threads."""
